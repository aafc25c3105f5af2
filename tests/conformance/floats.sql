-- Floats: shortest text, extremes, what JSON has no number for.
toFloat32(0.1) AS a, toFloat64(0.1) AS b
toFloat32(1.17549435e-38) AS a, toFloat32(3.40282347e38) AS b
toFloat64(2.2250738585072014e-308) AS a, toFloat64(1.7976931348623157e308) AS b
toFloat64(5e-324) AS a
toFloat64(-0.0) AS a, toFloat32(-0.0) AS b
toFloat64(1e21) AS a, toFloat64(1e22) AS b, toFloat64(123456789012345680000) AS c
1 / 3 AS a, 2 / 3 AS b
nan AS a, inf AS b, -inf AS c
toFloat32(nan) AS a
0.1 + 0.2 AS a
sqrt(2) AS a, exp(1) AS b, log(10) AS c, pi() AS d
sin(1) AS a, cos(1) AS b, tan(1) AS c, atan2(1, 2) AS d
round(2.5) AS a, round(3.5) AS b, floor(-1.5) AS c, ceil(-1.5) AS d, trunc(-1.5) AS e
roundBankers(2.5) AS a, round(123.456, 1) AS b, round(123.456, -2) AS c
pow(2, 0.5) AS a, cbrt(27) AS b, hypot(3, 4) AS c
toFloat64(number) / 7 AS a FROM numbers(20)
CAST(NULL AS Nullable(Float64)) AS a, toNullable(1.5) AS b
isNaN(nan) AS a, isInfinite(inf) AS b, isFinite(1.0) AS c
toBFloat16(1.5) AS a
greatest(1.5, 2.5) AS a, least(1.5, 2.5) AS b
erf(0.5) AS a, tgamma(5) AS b, lgamma(5) AS c
