-- UUID, addresses, enums.
toUUID('0190a0b1-5cb3-7000-907b-000000000001') AS a, toUUID('00000000-0000-0000-0000-000000000000') AS b
CAST(NULL AS Nullable(UUID)) AS a, [toUUID('ffffffff-ffff-ffff-ffff-ffffffffffff')] AS b
toIPv4('127.0.0.1') AS a, toIPv4('255.255.255.255') AS b, toIPv4('0.0.0.0') AS c
toIPv6('::1') AS a, toIPv6('2001:db8::ff00:42:8329') AS b, toIPv6('::ffff:1.2.3.4') AS c
CAST(NULL AS Nullable(IPv4)) AS a, CAST(NULL AS Nullable(IPv6)) AS b
[toIPv4('10.0.0.1'), toIPv4('10.0.0.2')] AS a, [toIPv6('::1')] AS b
CAST('b' AS Enum8('a' = -128, 'b' = 127)) AS a, CAST('x y' AS Enum16('x y' = 1000)) AS b
CAST(NULL AS Nullable(Enum8('a' = 1))) AS a
CAST(['a', 'b'] AS Array(Enum8('a' = 1, 'b' = 2))) AS a
CAST(if(number % 2 = 0, 'even', 'odd') AS Enum8('even' = 1, 'odd' = 2)) AS a FROM numbers(6)
IPv4NumToString(toUInt32(16909060)) AS a, IPv4StringToNum('1.2.3.4') AS b, IPv4CIDRToRange(toIPv4('192.168.5.2'), 16) AS c
isIPv4String('1.2.3.4') AS a, isIPAddressInRange('10.1.2.3', '10.0.0.0/8') AS b
UUIDStringToNum('0190a0b1-5cb3-7000-907b-000000000001') = unhex('0190A0B15CB37000907B000000000001') AS a
UUIDToNum(toUUID('0190a0b1-5cb3-7000-907b-000000000001')) = unhex('0190A0B15CB37000907B000000000001') AS a
UUIDv7ToDateTime(toUUID('018f05c9-4ab8-7b86-b64e-c9f03fbd45d1'), 'UTC') AS a
