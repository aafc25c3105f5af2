-- Text: escapes, Unicode, fixed length, functions.
'' AS a, ' ' AS b
'a"b' AS a, 'a\\b' AS b, 'a/b' AS c
'line\nbreak' AS a, 'tab\there' AS b, 'cr\rlf' AS c
'\0zero' AS a, '\b\f' AS b
'Zürich' AS a, '東京' AS b, '🦀' AS c, 'e\u0301' AS d
'\u2028' AS a, '<script>' AS b, '\'quoted\'' AS c
repeat('x', 1000) AS a
toFixedString('ab', 2) AS a, toFixedString('Zü', 3) AS b
toLowCardinality('low') AS a, toLowCardinality(toNullable('null')) AS b
CAST(NULL AS LowCardinality(Nullable(String))) AS a
CAST(NULL AS Nullable(String)) AS a
toLowCardinality(toString(number % 3)) AS a FROM numbers(20)
upper('abc') AS a, lower('ABC') AS b, upperUTF8('ä') AS c, initcap('ab cd') AS d
length('ä') AS a, lengthUTF8('ä') AS b, char_length('ä') AS c
concat('a', 'b', 1) AS a, concatWithSeparator('-', 'a', 'b') AS b
substring('hello', 2, 3) AS a, substringUTF8('größe', 3, 2) AS b, left('abc', 2) AS c, right('abc', 2) AS d
trim('  a ') AS a, trimLeft('  a') AS b, trimRight('a  ') AS c, trim(BOTH 'x' FROM 'xax') AS d
replaceAll('aaa', 'a', 'b') AS a, replaceOne('aaa', 'a', 'b') AS b, replaceRegexpAll('a1b2', '[0-9]', '#') AS c
splitByChar(',', 'a,b,,c') AS a, splitByString('--', 'a--b') AS b, arrayStringConcat(['a', 'b'], '+') AS c
position('haystack', 'st') AS a, positionCaseInsensitive('ABC', 'b') AS b
match('abc', 'a.c') AS a, extract('a1b22', '[0-9]+') AS b, extractAll('a1b22', '[0-9]+') AS c
like('abc', 'a%') AS a, 'abc' ILIKE 'AB_' AS b, startsWith('abc', 'ab') AS c, endsWith('abc', 'bc') AS d
reverse('abc') AS a, reverseUTF8('äb') AS b, repeat('ab', 3) AS c, space(3) AS d
hex('abc') AS a, unhex('616263') AS b, base64Encode('abc') AS c, base64Decode('YWJj') AS d
format('{} {}', 'a', 'b') AS a, leftPad('7', 3, '0') AS b, rightPad('7', 3, '.') AS c
MD5('a') = unhex('0CC175B9C0F1B6A831C399E269772661') AS a, hex(SHA256('a')) AS b
cityHash64('a') AS a, xxHash64('a') AS b, sipHash64('a') AS c, crc32('a') AS d
ascii('a') AS a, char(72, 105) AS b
encodeXMLComponent('<a>') AS a, decodeXMLComponent('&lt;') AS b, encodeURLComponent('a b') AS c
domain('https://example.com/a?b=c') AS a, path('https://example.com/a?b=c') AS b, extractURLParameter('https://e.com/?b=c', 'b') AS c
toString(1.5) AS a, toString([1, 2]) AS b, toString((1, 'a')) AS c, toString(map('a', 1)) AS d
ngrams('abcd', 2) AS a, tokens('a b-c') AS b
levenshteinDistance('kitten', 'sitting') AS a, soundex('Robert') AS b
isValidUTF8('ä') AS a, isValidUTF8(unhex('ff')) AS b
