-- Arrays and their functions.
[] AS a, emptyArrayUInt8() AS b, CAST([] AS Array(String)) AS c
[1, 2, 3] AS a, ['a', 'b'] AS b, [1.5, -0.5] AS c
[1, NULL, 3] AS a, [NULL] AS b
[[1, 2], [], [3]] AS a, [[['x']]] AS b
[true, false] AS a
[toUInt64(18446744073709551615)] AS a, [toInt64(-9223372036854775808)] AS b
[toInt128(1), toInt128(-1)] AS a
[toLowCardinality('a'), 'b'] AS a
[nan, inf, 1.5] AS a
['quote"', 'back\\slash', 'Zürich'] AS a
range(5) AS a, range(2, 10, 3) AS b
arrayMap(x -> x * 2, [1, 2, 3]) AS a, arrayFilter(x -> x > 1, [1, 2, 3]) AS b
arraySum([1, 2, 3]) AS a, arrayAvg([1, 2]) AS b, arrayMin([3, 1]) AS c, arrayMax([3, 1]) AS d
arraySort([3, 1, 2]) AS a, arrayReverseSort([3, 1, 2]) AS b, arrayReverse([1, 2]) AS c
arrayConcat([1], [2, 3]) AS a, arraySlice([1, 2, 3, 4], 2, 2) AS b, arrayPushBack([1], 2) AS c
arrayDistinct([1, 1, 2]) AS a, arrayUniq([1, 1, 2]) AS b, arrayCompact([1, 1, 2]) AS c
has([1, 2], 2) AS a, hasAll([1, 2, 3], [1, 3]) AS b, hasAny([1], [2, 1]) AS c, indexOf([1, 2], 2) AS d
arrayZip([1, 2], ['a', 'b']) AS a
arrayEnumerate(['a', 'b']) AS a, arrayCumSum([1, 2, 3]) AS b, arrayDifference([1, 3, 6]) AS c
arrayElement([10, 20], 2) AS a, [10, 20][-1] AS b, empty([]) AS c, length([1, 2]) AS d
arrayJoin([1, 2, 3]) AS a
arrayFlatten([[1], [2, 3]]) AS a, arrayIntersect([1, 2], [2, 3]) AS b, arrayReduce('sum', [1, 2, 3]) AS c
groupArray(number) AS a FROM numbers(5)
arrayFold((acc, x) -> acc + x, [1, 2, 3], toInt64(0)) AS a
arrayPartialSort(2, [5, 1, 4]) AS a, arrayRotateLeft([1, 2, 3], 1) AS b, arrayShiftRight([1, 2, 3], 1) AS c
