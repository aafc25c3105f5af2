"""Every ClickHouse type as its Python value."""

from __future__ import annotations

import datetime as dt
import inspect
import math
import sys
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from engines import is_refused

import helios

UTC = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")

VALUES: list[tuple[str, str, Any]] = [
    *((f"toInt{bits}({-(2 ** (bits - 1))})", f"Int{bits}", -(2 ** (bits - 1))) for bits in (8, 16, 32)),
    *((f"toInt{bits}('{-(2 ** (bits - 1))}')", f"Int{bits}", -(2 ** (bits - 1))) for bits in (64, 128, 256)),
    *((f"toUInt{bits}('{2**bits - 1}')", f"UInt{bits}", 2**bits - 1) for bits in (8, 16, 32, 64, 128, 256)),
    ("toFloat32(1.5)", "Float32", 1.5),
    ("toFloat64(0.1)", "Float64", 0.1),
    ("-inf", "Float64", -math.inf),
    ("toBFloat16(1.5)", "BFloat16", 1.5),
    ("toDecimal32('1.10', 2)", "Decimal(9, 2)", Decimal("1.10")),
    ("toDecimal128('-12345678901234567890.123456', 6)", "Decimal(38, 6)", Decimal("-12345678901234567890.123456")),
    ("toDecimal256('0.00', 2)", "Decimal(76, 2)", Decimal("0.00")),
    ("true", "Bool", True),
    ("'ä\\0\\n😀'", "String", "ä\0\n😀"),
    ("''", "String", ""),
    ("toFixedString('ab', 2)", "FixedString(2)", "ab"),
    ("CAST('b' AS Enum8('a' = 1, 'b' = -2))", "Enum8('b' = -2, 'a' = 1)", "b"),
    ("CAST('x' AS Enum16('x' = 1000))", "Enum16('x' = 1000)", "x"),
    ("toLowCardinality('x')", "LowCardinality(String)", "x"),
    ("toUUID('28521d01-6221-4f6c-942f-683011282bcb')", "UUID", "28521d01-6221-4f6c-942f-683011282bcb"),
    ("toIPv4('10.0.0.1')", "IPv4", "10.0.0.1"),
    ("toIPv6('2001:db8::1')", "IPv6", "2001:db8::1"),
    ("toDate('2149-06-06')", "Date", dt.date(2149, 6, 6)),
    ("toDate32('1900-01-01')", "Date32", dt.date(1900, 1, 1)),
    (
        "toDateTime('2026-07-31 12:00:00', 'Europe/Berlin')",
        "DateTime('Europe/Berlin')",
        dt.datetime(2026, 7, 31, 12, tzinfo=BERLIN),
    ),
    (
        "toDateTime64('1969-12-31 23:59:59.123', 3, 'UTC')",
        "DateTime64(3, 'UTC')",
        dt.datetime(1969, 12, 31, 23, 59, 59, 123000, UTC),
    ),
    (
        "toDateTime64('2026-01-31 00:00:00.123456789', 9, 'UTC')",
        "DateTime64(9, 'UTC')",
        dt.datetime(2026, 1, 31, 0, 0, 0, 123456, UTC),
    ),
    (
        "toDateTime64('2299-12-31 23:59:59.999999', 6, 'UTC')",
        "DateTime64(6, 'UTC')",
        dt.datetime(2299, 12, 31, 23, 59, 59, 999999, UTC),
    ),
    ("toTime('12:00:01')", "Time", dt.timedelta(hours=12, seconds=1)),
    ("toTime64('-100:00:00.5', 3)", "Time64(3)", -dt.timedelta(hours=100, seconds=0.5)),
    ("INTERVAL 3 DAY", "IntervalDay", 3),
    ("NULL", "Nullable(Nothing)", None),
    ("CAST(NULL AS Nullable(Int128))", "Nullable(Int128)", None),
    ("toNullable(toInt128(5))", "Nullable(Int128)", 5),
    ("CAST(NULL AS LowCardinality(Nullable(String)))", "LowCardinality(Nullable(String))", None),
    ("[1, 2]", "Array(UInt8)", [1, 2]),
    ("[]", "Array(Nothing)", []),
    ("[[1], [], [2, NULL]]", "Array(Array(Nullable(UInt8)))", [[1], [], [2, None]]),
    ("[toInt256('5')]", "Array(Int256)", [5]),
    (
        "[toDateTime64('2026-01-01 00:00:00', 3, 'UTC')]",
        "Array(DateTime64(3, 'UTC'))",
        [dt.datetime(2026, 1, 1, tzinfo=UTC)],
    ),
    ("map('a', 1, 'b', 2)", "Map(String, UInt8)", {"a": 1, "b": 2}),
    ("map(1, [toUInt128(2)])", "Map(UInt8, Array(UInt128))", {1: [2]}),
    ("tuple(1, 'a')", "Tuple(UInt8, String)", (1, "a")),
    (
        "CAST((toInt128(1), 'a') AS Tuple(`1` Int128, y String))",
        "Tuple(`1` Int128, y String)",
        {"1": 1, "y": "a"},
    ),
    ("(1., 2.)::Point", "Point", (1.0, 2.0)),
    (
        """'{"a": {"b": [1, 2.5, "x", null]}, "n": 18446744073709551615}'::JSON""",
        "JSON",
        {"a": {"b": [1, 2.5, "x", None]}, "n": 18446744073709551615},
    ),
]


@pytest.mark.parametrize(("expression", "data_type", "value"), VALUES, ids=[value[0] for value in VALUES])
def test_a_value_of_each_type(client: helios.Helios, expression: str, data_type: str, value: object) -> None:
    if is_refused(client, expression):
        with pytest.raises(helios.HeliosError, match="time-of-day"):
            client.query(f"SELECT {expression} AS value")
        return
    result = client.query(f"SELECT {expression} AS value")
    assert result.columns == [helios.Column("value", data_type)]
    (row,) = result.rows()
    assert row == {"value": value}
    assert type(row["value"]) is type(value)


def test_json_that_is_nested_deeper_than_python_reads_is_text(client: helios.Helios) -> None:
    deep = '{"a":' * 200 + "1" + "}" * 200
    limit = sys.getrecursionlimit()
    result = client.query("SELECT {deep:String}::JSON AS value", {"deep": deep})
    (row,) = result.rows()
    assert isinstance(row["value"], dict)
    # From Python 3.12 on it reads whatever fits its stack.
    if sys.version_info < (3, 12):
        sys.setrecursionlimit(len(inspect.stack()) + 150)
        try:
            (row,) = result.rows()
        finally:
            sys.setrecursionlimit(limit)
        assert row == {"value": deep}


def test_a_time_has_the_zone_of_its_column(client: helios.Helios) -> None:
    (row,) = client.query("SELECT toDateTime(0, 'Europe/Berlin') AS berlin, toDateTime64(0, 0, 'UTC') AS utc")
    assert row["berlin"].tzinfo == BERLIN
    assert row["berlin"].hour == 1
    assert row["utc"].tzinfo == UTC


def test_not_a_number(client: helios.Helios) -> None:
    (row,) = client.query("SELECT nan AS value")
    assert math.isnan(row["value"])


def test_bytes_that_are_no_text(client: helios.Helios) -> None:
    (row,) = client.query("SELECT unhex('61FF62') AS value")
    assert row == {"value": "a\N{REPLACEMENT CHARACTER}b"}


def test_a_variant_is_whichever_type_it_is(client: helios.Helios) -> None:
    sql = "SELECT arrayJoin([toInt128(5)::Variant(Int128, String), 'x', NULL]) AS value"
    assert [row["value"] for row in client.query(sql)] == [5, "x", None]


def test_nested_columns_keep_their_rows_apart(client: helios.Helios) -> None:
    """Lists, maps and dictionaries of many rows, over more than one batch."""
    sql = """
        SELECT number AS n, range(number % 3) AS list, map(toString(number), number) AS dict,
               if(number % 2 = 0, NULL, toLowCardinality(toString(number % 5))) AS word, (number, [number]) AS pair
        FROM numbers(150000)
    """
    result = client.query(sql)
    assert len(result) == 150_000
    for n, row in enumerate(result):
        assert row == {
            "n": n,
            "list": list(range(n % 3)),
            "dict": {str(n): n},
            "word": None if n % 2 == 0 else str(n % 5),
            "pair": (n, [n]),
        }


def test_rows_and_iteration_agree(client: helios.Helios) -> None:
    result = client.query("SELECT number FROM numbers(200000)")
    assert result.rows() == list(result)
    assert len(result) == len(result.rows()) == 200_000


def test_no_rows(client: helios.Helios) -> None:
    result = client.query("SELECT 1 AS one, 'x' AS word WHERE 0")
    assert result.columns == [helios.Column("one", "UInt8"), helios.Column("word", "String")]
    assert result.rows() == [] == list(result)
    assert len(result) == 0


def test_a_statement_without_a_result(client: helios.Helios, table: str) -> None:
    result = client.query(f"CREATE TABLE {table} (a UInt8) ORDER BY a")
    assert result.columns == []
    assert result.rows() == []


def test_repr_is_short(client: helios.Helios) -> None:
    result = client.query("SELECT 1 AS a, 2 AS b")
    assert repr(result) == "<helios.QueryResult of 1 rows: a, b>"
    assert result.query == "SELECT 1 AS a, 2 AS b"
    wide = client.query(f"SELECT {', '.join(f'{n} AS c{n}' for n in range(1000))}")
    assert repr(wide) == "<helios.QueryResult of 1 rows: c0, c1, c2, c3, c4, …>"
