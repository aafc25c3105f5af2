-- Decimals keep every digit.
toDecimal32('1.5', 2) AS a, toDecimal32('-9999999.99', 2) AS b
toDecimal64('123456789012345.678', 3) AS a
toDecimal128('12345678901234567890123456789.123456789', 9) AS a
toDecimal256('1234567890123456789012345678901234567890123456789012345678901234.5', 1) AS a
CAST('0.1' AS Decimal(1, 1)) AS a, CAST('-0.1' AS Decimal(1, 1)) AS b
CAST('99999999999999999999999999999999999999' AS Decimal(38, 0)) AS a
toDecimal64('0', 4) AS a, toDecimal64('0.0001', 4) AS b
toDecimal64('10', 4) AS a, toDecimal64('100.5000', 4) AS b
toDecimal64('1.1', 2) + toDecimal64('2.22', 3) AS a
toDecimal64('10', 2) / toDecimal64('3', 2) AS a
toDecimal64('1.5', 2) * toDecimal64('1.5', 2) AS a
CAST(NULL AS Nullable(Decimal(10, 2))) AS a, toNullable(toDecimal64('1.25', 2)) AS b
[toDecimal64('1.25', 2), toDecimal64('-1', 2)] AS a
round(toDecimal64('2.345', 3), 2) AS a
sum(toDecimal64(number, 2)) AS a FROM numbers(100)
avg(toDecimal64(number, 2)) AS a FROM numbers(100)
toDecimal32OrNull('x', 2) AS a, toDecimal32OrZero('x', 2) AS b
