-- Conditions, nulls, comparisons, conversions, names of columns.
if(1, 'yes', 'no') AS a, multiIf(0, 1, 0, 2, 3) AS b, CASE WHEN 1 THEN 'x' ELSE 'y' END AS c
NULL AS a
ifNull(NULL, 1) AS a, coalesce(NULL, NULL, 2) AS b, nullIf(1, 1) AS c, assumeNotNull(toNullable(1)) AS d
isNull(NULL) AS a, isNotNull(1) AS b, NULL = NULL AS c, NULL IS NOT DISTINCT FROM NULL AS d
1 = 1 AS a, 1 < 2 AS b, 'a' < 'b' AS c, [1] < [2] AS d, (1, 2) < (1, 3) AS e
1 AND 0 AS a, 1 OR 0 AS b, NOT 1 AS c, xor(1, 1) AS d, NULL AND 0 AS e
1 IN (1, 2) AS a, 3 NOT IN (1, 2) AS b, (1, 'a') IN ((1, 'a')) AS c
5 BETWEEN 1 AND 10 AS a, 5 NOT BETWEEN 6 AND 10 AS b
1 AS `with space`, 2 AS `Zürich`, 3 AS `quo"te`, 4 AS `back\\slash`
1 AS `a.b`, 2 AS `a`, 3 AS `A`
1 AS `select`, 2 AS `123`, 3 AS `data`, 4 AS `row`
1, 'x', [1], NULL
toTypeName(1) AS a, toTypeName([1, NULL]) AS b, toTypeName((1, 'x')) AS c
CAST('5' AS UInt8) AS a, '5'::UInt8 AS b, toInt32('-7') AS c, accurateCast(5, 'UInt8') AS d, accurateCastOrNull(300, 'UInt8') AS e
reinterpretAsUInt32('abcd') AS a, toString(toUInt8(5)) AS b
transform(2, [1, 2], ['one', 'two'], 'other') AS a
materialize(5) AS a, identity('x') AS b, toColumnTypeName(1) AS c
formatReadableSize(1234567) AS a, formatReadableQuantity(1234567) AS b, formatReadableTimeDelta(3661) AS c
toInt8(number) AS a, toString(number) AS b, number % 2 = 0 AS c, [number] AS d, (number, 'x') AS e FROM numbers(1000)
if(number % 3 = 0, NULL, number) AS a, if(number % 5 = 0, NULL, toString(number)) AS b FROM numbers(100)
* FROM values('a UInt8, b String', (1, 'x'), (2, 'y'))
* FROM format(JSONEachRow, 'a UInt8, b Array(String)', '{"a": 1, "b": ["x"]}')
* FROM generate_series(1, 5)
* FROM (SELECT 1 AS a, 1 AS b UNION ALL SELECT 2, 3) ORDER BY a
x FROM (SELECT arrayJoin([3, 1, 2]) AS x) ORDER BY x
a, b FROM (SELECT [1, 2] AS a, ['x', 'y'] AS b) ARRAY JOIN a, b
number AS n, toLowCardinality(if(number % 4 = 0, 'four', 'other')) AS a FROM numbers(50)
