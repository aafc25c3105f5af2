-- JSON, Dynamic, Variant, geometry, and other types with something inside.
-- Not here: a Dynamic that is null, which ClickHouse's Arrow has as the JSON text `null`.
CAST('{"a": 1, "b": {"c": "x"}}' AS JSON) AS a
CAST('{}' AS JSON) AS a
CAST('{"a": [1, 2, {"b": null}]}' AS JSON) AS a
CAST('{"a": 1.5, "t": true}' AS JSON(a Float64)) AS a
CAST(1 AS Dynamic) AS a
CAST('text' AS Dynamic) AS a
CAST([1, 2] AS Dynamic) AS a
CAST(toUInt64(1) AS Variant(UInt64, String)) AS a
CAST('x' AS Variant(UInt64, String)) AS a
CAST(NULL AS Variant(UInt64, String)) AS a
CAST((1.5, 2.5) AS Point) AS a
CAST([(0, 0), (1, 0), (1, 1)] AS Ring) AS a
CAST([[(0, 0), (1, 0), (1, 1)]] AS Polygon) AS a
JSONExtractString('{"a": "b"}', 'a') AS a, JSONExtractInt('{"a": 5}', 'a') AS b, JSONExtractRaw('{"a": [1]}', 'a') AS c
JSONExtract('{"a": [1, 2]}', 'a', 'Array(UInt8)') AS a, JSONLength('[1, 2]') AS b, JSONHas('{"a": 1}', 'a') AS c
toJSONString(map('a', [1, 2])) AS a, JSON_VALUE('{"a": "b"}', '$.a') AS b
toTypeName(CAST('{}' AS JSON)) AS a, dynamicType(CAST(1 AS Dynamic)) AS b, variantType(CAST('x' AS Variant(UInt64, String))) AS c
pointInPolygon((0.5, 0.5), [(0, 0), (1, 0), (1, 1), (0, 1)]) AS a, geohashEncode(8.54, 47.37, 6) AS b
wkt(CAST((1, 2) AS Point)) AS a, greatCircleDistance(0, 0, 0, 1) > 111000 AS b
