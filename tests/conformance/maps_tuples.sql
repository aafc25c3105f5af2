-- Maps, tuples, nested.
map('a', 1, 'b', 2) AS a
CAST(map() AS Map(String, UInt8)) AS a
map('k', [1, 2]) AS a, map('k', map('x', 'y')) AS b
map(1, 'one', 2, 'two') AS a
map('a', toNullable(1)) AS a, CAST(map('a', NULL) AS Map(String, Nullable(String))) AS b
CAST(map('a', 'b') AS Map(LowCardinality(String), LowCardinality(String))) AS a
mapKeys(map('a', 1)) AS a, mapValues(map('a', 1)) AS b, mapContains(map('a', 1), 'a') AS c, map('a', 1)['a'] AS d
mapAdd(map('a', 1), map('a', 2, 'b', 3)) AS a, mapFilter((k, v) -> v > 1, map('a', 1, 'b', 2)) AS b
(1, 'a') AS a, (1, 'a').2 AS b
tuple(1) AS a, (1, (2, (3, 'x'))) AS b
CAST((1, 'x') AS Tuple(id UInt8, name String)) AS a
CAST((1, ('x', [1, 2])) AS Tuple(id UInt8, inner Tuple(name String, list Array(UInt8)))) AS a
[CAST((1, 'x') AS Tuple(id UInt8, name String)), CAST((2, 'y') AS Tuple(id UInt8, name String))] AS a
CAST((NULL, 'x') AS Tuple(a Nullable(UInt8), b String)) AS a
CAST([(1, 'x')] AS Nested(id UInt8, name String)) AS a
(toDate('2026-01-01'), toIPv4('1.2.3.4'), toUUID('0190a0b1-5cb3-7000-907b-000000000001')) AS a
map('d', toDate('2026-01-01')) AS a, map('t', toDateTime('2026-01-01 00:00:00', 'UTC')) AS b
map(toUUID('0190a0b1-5cb3-7000-907b-000000000001'), 1) AS a
map(toDate('2026-01-01'), 1) AS a
tupleConcat((1, 2), (3,)) AS a, untuple((1, 2))
(1.5, toDecimal64('1.25', 2), toInt128(5)) AS a
mapFromArrays(['a', 'b'], [1, 2]) AS a
