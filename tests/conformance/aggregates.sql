-- Aggregates, groups, windows, joins, set operations.
count() AS a, sum(number) AS b, avg(number) AS c, min(number) AS d, max(number) AS e FROM numbers(101)
count(DISTINCT number % 7) AS a, uniqExact(number % 7) AS b FROM numbers(100)
number % 3 AS k, count() AS n FROM numbers(10) GROUP BY k ORDER BY k
number % 2 AS k, groupArray(number) AS n FROM numbers(6) GROUP BY k ORDER BY k
any(number) AS a, anyLast(number) AS b, argMin(number, -toInt64(number)) AS c, argMax(number, number) AS d FROM numbers(5)
quantileExact(0.5)(number) AS a, quantilesExact(0.25, 0.75)(number) AS b, median(number) AS c FROM numbers(101)
stddevPop(number) AS a, varPop(number) AS b, corr(number, number) AS c FROM numbers(10)
sumIf(number, number % 2 = 0) AS a, countIf(number > 5) AS b, avgIf(number, number < 3) AS c FROM numbers(10)
topK(2)(number % 3) AS a FROM numbers(10)
groupUniqArray(number % 2) AS a FROM numbers(1)
groupBitOr(number) AS a, groupBitAnd(number) AS b, groupBitXor(number) AS c FROM numbers(8)
sumMap([number % 2], [number]) AS a FROM numbers(4)
sumMapFiltered([toUInt64(1)])([number % 2], [number]) AS a FROM numbers(4)
minMap(map('a', number)) AS a, maxMap(map('a', number)) AS b FROM numbers(4)
sumWithOverflow(toUInt8(200)) AS a FROM numbers(2)
histogram(2)(number) AS a FROM numbers(4)
number AS n, row_number() OVER (ORDER BY number) AS a, sum(number) OVER (ORDER BY number) AS b FROM numbers(5)
number AS n, lagInFrame(number) OVER (ORDER BY number ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS a FROM numbers(4)
number AS n, rank() OVER (ORDER BY intDiv(number, 2)) AS a, dense_rank() OVER (ORDER BY intDiv(number, 2)) AS b FROM numbers(4)
number AS n, first_value(number) OVER (PARTITION BY number % 2 ORDER BY number) AS a FROM numbers(4) ORDER BY n
hex(sumState(number)) != '' AS a FROM numbers(3)
finalizeAggregation(sumState(number)) AS a FROM numbers(3)
sumMerge(s) AS a FROM (SELECT sumState(number) AS s FROM numbers(4))
CAST(5 AS SimpleAggregateFunction(sum, UInt64)) AS a
a.number AS x, b.number AS y FROM numbers(3) AS a JOIN numbers(2) AS b ON a.number = b.number ORDER BY x
a.number AS x, b.number AS y FROM numbers(3) AS a LEFT JOIN numbers(2) AS b ON a.number = b.number ORDER BY x SETTINGS join_use_nulls = 1
x FROM (SELECT number AS x FROM numbers(2) UNION ALL SELECT number + 10 FROM numbers(2)) ORDER BY x
number AS x FROM numbers(5) WHERE number IN (SELECT number * 2 FROM numbers(3)) ORDER BY x
x FROM (SELECT number AS x FROM numbers(4) INTERSECT SELECT number FROM numbers(2)) ORDER BY x
x FROM (SELECT number AS x FROM numbers(4) EXCEPT SELECT number FROM numbers(2)) ORDER BY x
number AS x FROM numbers(10) ORDER BY number DESC LIMIT 3 OFFSET 2
number % 2 AS k, number AS x FROM numbers(6) ORDER BY k, x LIMIT 1 BY k
number AS x FROM numbers(4) WHERE x > 100
k, sum(v) AS s FROM (SELECT number % 2 AS k, number AS v FROM numbers(4)) GROUP BY ROLLUP(k) ORDER BY k, s
k, sum(v) AS s FROM (SELECT number % 2 AS k, number AS v FROM numbers(4)) GROUP BY k WITH TOTALS ORDER BY k
sumOrNull(number) AS a, avgOrNull(number) AS b, minOrNull(number) AS c FROM numbers(10) WHERE number > 100
groupConcat(',')(toString(number)) AS a FROM numbers(3)
