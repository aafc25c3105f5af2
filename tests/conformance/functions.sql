-- Other families: URLs, hashes, encodings, distances, versions, introspection that does not change.
protocol('https://a.b/c') AS a, topLevelDomain('https://a.co.uk/') AS b, cutToFirstSignificantSubdomain('https://x.a.com/') AS c
queryString('https://a/b?c=d#e') AS a, fragment('https://a/b#e') AS b, cutURLParameter('https://a/?b=c&d=e', 'b') AS c
extractURLParameters('https://a/?b=c&d=e') AS a, URLHierarchy('https://a/b/c') AS b, URLPathHierarchy('https://a/b/c') AS c
intHash32(1) AS a, intHash64(1) AS b, murmurHash3_32('a') AS c, murmurHash3_64('a') AS d, farmHash64('a') AS e
xxHash32('a') AS a, javaHash('a') AS b, halfMD5('a') AS c, CRC64('a') AS d
hex(SHA1('a')) AS a, hex(SHA512('a')) AS b, hex(sipHash128('a')) AS c
bin(5) AS a, unbin('00000101') = char(5) AS b, bitPositionsToArray(5) AS c, bitmaskToList(6) AS d
toBase58 AS a FROM (SELECT base58Encode('hello') AS toBase58)
bitmapToArray(bitmapBuild([1, 2, 3])) AS a, bitmapCardinality(bitmapBuild([1, 2])) AS b
L2Distance([1, 2], [3, 4]) AS a, cosineDistance([1, 0], [0, 1]) AS b, dotProduct([1, 2], [3, 4]) AS c
bitHammingDistance(1, 2) AS a, editDistance('abc', 'abd') AS b, jaroSimilarity('abc', 'abd') AS c
plus(1, 2) AS a, minus(1, 2) AS b, multiply(2, 3) AS c, divide(1, 4) AS d, modulo(7, 4) AS e
toStartOfQuarter(toDate('2026-05-06')) AS a, toQuarter(toDate('2026-05-06')) AS b, toStartOfDay(toDateTime('2026-05-06 07:08:09', 'UTC')) AS c
dateTrunc('week', toDate('2026-05-06')) AS a, date_trunc('hour', toDateTime('2026-05-06 07:08:09', 'UTC')) AS b
addSeconds(toDateTime64('2026-05-06 07:08:09.500', 3, 'UTC'), 1) AS a, toUnixTimestamp64Milli(toDateTime64('2026-05-06 07:08:09.500', 3, 'UTC')) AS b
toModifiedJulianDay('2026-05-06') AS a, fromModifiedJulianDay(61166) AS b, toDaysSinceYearZero(toDate('2026-05-06')) AS c
multiSearchAny('abc', ['b', 'x']) AS a, multiSearchFirstIndex('abc', ['c', 'b']) AS b, countSubstrings('aaa', 'a') AS c
hasToken('a b c', 'b') AS a, ngramDistance('abc', 'abd') AS b, positionUTF8('größe', 'ß') AS c
regexpExtract('a1b2', '(\\d)', 1) AS a, extractAllGroupsVertical('a1b2', '([a-z])(\\d)') AS b
splitByRegexp('[0-9]', 'a1b2c') AS a, splitByWhitespace('a b  c') AS b, alphaTokens('a1b') AS c
arrayROCAUC([0.1, 0.9], [0, 1]) AS a, arrayProduct([2, 3]) AS b, arrayLast(x -> x > 1, [1, 2, 3]) AS c
arrayExists(x -> x > 2, [1, 2, 3]) AS a, arrayAll(x -> x > 0, [1, 2]) AS b, arrayCount(x -> x > 1, [1, 2, 3]) AS c
arrayFirstIndex(x -> x = 2, [1, 2]) AS a, arrayResize([1], 3) AS b, arrayWithConstant(2, 'x') AS c
arrayStringConcat(arrayMap(x -> toString(x), range(5)), ',') AS a, arrayEnumerateUniq([1, 1, 2]) AS b
isNotDistinctFrom(1, 1) AS a, throwIf(0) AS b, ignore(1, 2) AS c
neighbor AS a FROM (SELECT number AS neighbor FROM numbers(3))
runningDifference AS a FROM (SELECT number AS runningDifference FROM numbers(3))
tupleElement((1, 'x'), 2) AS a, tupleHammingDistance((1, 2), (1, 3)) AS b, tuplePlus((1, 2), (3, 4)) AS c
width_bucket(5, 0, 10, 5) AS a, factorial(5) AS b, degrees(pi()) AS c, radians(180) AS d
toBool('true') AS a, toFloat64OrNull('x') AS b, toDateOrNull('x') AS c, toUUIDOrNull('x') AS d, toIPv4OrNull('x') AS e
byteSize(toUInt64(1)) AS a, toTypeName(now()) AS b, isConstant(1) AS c
getSizeOfEnumType(CAST('a' AS Enum8('a' = 1, 'b' = 2))) AS a, bar(5, 0, 10, 4) AS b
