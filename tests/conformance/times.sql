-- Dates and times: limits, zones, precisions, functions.
-- Not here: fractions before 1970, which the engine itself writes as `0.00/` where times are seconds.
toDate('1970-01-01') AS a, toDate('2149-06-06') AS b
toDate32('1900-01-01') AS a, toDate32('2299-12-31') AS b
toDateTime('1970-01-01 00:00:00', 'UTC') AS a, toDateTime('2106-02-07 06:28:15', 'UTC') AS b
toDateTime('2026-07-01 12:00:00', 'Europe/Zurich') AS a, toDateTime('2026-01-01 12:00:00', 'America/New_York') AS b
toDateTime('2026-03-29 03:30:00', 'Europe/Zurich') AS a
toDateTime64('2026-01-01 00:00:00.123', 3, 'UTC') AS a, toDateTime64('2026-01-01 00:00:00.123456', 6, 'UTC') AS b
toDateTime64('2026-01-01 00:00:00.123456789', 9, 'UTC') AS a
toDateTime64('1900-01-01 00:00:00.000', 3, 'UTC') AS a
toDateTime64('2299-12-31 23:59:59.999', 3, 'UTC') AS a
toDateTime64('2026-01-01 00:00:00', 0, 'UTC') AS a
toDateTime64('2026-01-01 00:00:00.5', 1, 'Asia/Kolkata') AS a
CAST(NULL AS Nullable(DateTime('UTC'))) AS a, CAST(NULL AS Nullable(Date)) AS b
[toDate('2026-01-01'), toDate('2026-12-31')] AS a
[toDateTime('2026-01-01 00:00:00', 'UTC')] AS a
toYear(toDate('2026-05-06')) AS a, toMonth(toDate('2026-05-06')) AS b, toDayOfMonth(toDate('2026-05-06')) AS c
toDayOfWeek(toDate('2026-05-06')) AS a, toDayOfYear(toDate('2026-05-06')) AS b, toISOWeek(toDate('2026-05-06')) AS c
toStartOfMonth(toDate('2026-05-06')) AS a, toMonday(toDate('2026-05-06')) AS b, toStartOfYear(toDate('2026-05-06')) AS c
toStartOfHour(toDateTime('2026-05-06 07:08:09', 'UTC')) AS a, toStartOfFiveMinutes(toDateTime('2026-05-06 07:08:09', 'UTC')) AS b
toStartOfInterval(toDateTime('2026-05-06 07:08:09', 'UTC'), INTERVAL 15 MINUTE) AS a
addDays(toDate('2026-01-31'), 1) AS a, addMonths(toDate('2026-01-31'), 1) AS b, subtractYears(toDate('2024-02-29'), 1) AS c
dateDiff('day', toDate('2026-01-01'), toDate('2026-12-31')) AS a, dateDiff('hour', toDateTime('2026-01-01 00:00:00', 'UTC'), toDateTime('2026-01-02 00:00:00', 'UTC')) AS b
toUnixTimestamp(toDateTime('2026-01-01 00:00:00', 'UTC')) AS a, fromUnixTimestamp64Milli(1767225600123, 'UTC') AS b
formatDateTime(toDateTime('2026-05-06 07:08:09', 'UTC'), '%Y-%m-%dT%H:%i:%S') AS a, dateName('weekday', toDate('2026-05-06')) AS b
parseDateTimeBestEffort('2026-05-06T07:08:09Z', 'UTC') AS a, parseDateTime64BestEffort('2026-05-06T07:08:09.123Z', 3, 'UTC') AS b
toTimeZone(toDateTime('2026-05-06 07:08:09', 'UTC'), 'Asia/Tokyo') AS a
INTERVAL 3 DAY AS a, INTERVAL 2 HOUR AS b
toYYYYMM(toDate('2026-05-06')) AS a, toYYYYMMDD(toDate('2026-05-06')) AS b, toYYYYMMDDhhmmss(toDateTime('2026-05-06 07:08:09', 'UTC')) AS c
toDateTime('2026-01-01 00:00:00', 'UTC') + number AS a FROM numbers(5)
toDate('2026-01-01') + number AS a FROM numbers(5)
makeDate(2026, 5, 6) AS a, makeDateTime(2026, 5, 6, 7, 8, 9, 'UTC') AS b
toLastDayOfMonth(toDate('2026-02-06')) AS a, age('month', toDate('2026-01-01'), toDate('2026-05-06')) AS b
timeSlot(toDateTime('2026-05-06 07:38:09', 'UTC')) AS a, toRelativeDayNum(toDate('1970-01-02')) AS b
