"""A value that is sent as a parameter comes back as it was: from a query, through a table, and as Arrow."""

from __future__ import annotations

import dataclasses
import datetime as dt
import ipaddress
import itertools
import math
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any
from zoneinfo import ZoneInfo

import polars
import pyarrow
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

import helios

UTC = ZoneInfo("UTC")
EPOCH = dt.datetime(1970, 1, 1, tzinfo=UTC)
A_SECOND = dt.timedelta(seconds=1)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia")
# Clocks go on and back: by an hour in Berlin and New York, by half of one on Lord Howe, by a day in Apia.
TURNS = [
    dt.datetime(2026, 3, 29, 1, tzinfo=UTC),
    dt.datetime(2026, 10, 25, 1, tzinfo=UTC),
    dt.datetime(2026, 3, 8, 7, tzinfo=UTC),
    dt.datetime(2026, 11, 1, 6, tzinfo=UTC),
    dt.datetime(2026, 4, 4, 15, tzinfo=UTC),
    dt.datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
    dt.datetime(2011, 12, 30, 10, tzinfo=UTC),
]
HOSTILE = [
    "",
    "\\N",
    "NULL",
    "it's",
    "\\",
    "\\'",
    "a\0b",
    "\t\r\n\b\f",
    '{v1:String} -- `a` "b" %s',
    "],['",
    "é😀\u2028",
]
COLORS = ["red", "", "it's", "\\N", "NULL", "a\tb\n", "grün 😀"]
EXACT = Context(prec=100)
# So many values at once, each in a column of its own.
MOST = 12


@dataclass(frozen=True)
class Case:
    """A type, and values of it."""

    type: str
    values: st.SearchStrategy[Any]
    edges: Sequence[Any] = ()
    """Values that are tried at every run."""
    expected: Callable[[Any], Any] = lambda value: value
    """A value as `rows` gives it."""
    wide: bool = False
    """Whether Arrow has no such integers: they are text there."""
    polars: bool = True
    """Whether polars has the type."""


def integers(bits: int, *, signed: bool) -> Case:
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    name = f"Int{bits}" if signed else f"UInt{bits}"
    return Case(name, st.integers(least, most), (least, least + 1, 0, most - 1, most), wide=bits > 64)


def decimals(precision: int, scale: int) -> Case:
    unit = Decimal(1).scaleb(-scale, EXACT)
    most = 10**precision - 1

    def expected(value: Decimal) -> Decimal:
        # There is one zero.
        return EXACT.quantize(EXACT.add(value, Decimal(0)), unit)

    return Case(
        f"Decimal({precision}, {scale})",
        st.integers(-most, most).map(lambda digits: EXACT.multiply(Decimal(digits), unit)),
        [EXACT.multiply(Decimal(digits), unit) for digits in (-most, -1, 1, most)] + [Decimal(0), Decimal("-0")],
        expected,
        polars=precision <= 38,
    )


def times(data_type: str, zone: str, first: dt.datetime, last: dt.datetime, digits: int = 0) -> Case:
    """Instants, as the clocks of any zone show them."""
    tick = A_SECOND / 10**digits

    def instants(first: dt.datetime, last: dt.datetime) -> st.SearchStrategy[dt.datetime]:
        count = (last - first) // tick
        return st.integers(0, count).map(lambda ticks: first + ticks * tick)

    near_turns = st.sampled_from(TURNS).flatmap(lambda turn: instants(turn - 7200 * A_SECOND, turn + 7200 * A_SECOND))
    # Not those in the second before 1970, see DEFECTS.
    anywhere = instants(EPOCH, last) if first == EPOCH else instants(first, EPOCH - A_SECOND) | instants(EPOCH, last)
    return Case(
        data_type,
        st.builds(lambda time, zone: time.astimezone(ZoneInfo(zone)), anywhere | near_turns, st.sampled_from(ZONES)),
        [first, last, EPOCH, EPOCH + tick, *TURNS],
        lambda value: value.astimezone(ZoneInfo(zone)),
    )


def date_time(zone: str) -> Case:
    return times(f"DateTime('{zone}')", zone, EPOCH, dt.datetime(2106, 2, 7, 6, 28, 15, tzinfo=UTC))


def date_time64(digits: int, zone: str) -> Case:
    first = dt.datetime(1900, 1, 1, tzinfo=UTC)
    last = dt.datetime(2300, 1, 1, tzinfo=UTC) - A_SECOND / 10**digits
    return times(f"DateTime64({digits}, '{zone}')", zone, first, last, digits)


def texts_of(size: int) -> st.SearchStrategy[str]:
    """Texts of so many bytes, in UTF-8."""

    def fill(text: str) -> str:
        start = text.encode()[:size].decode(errors="ignore")
        return start + "x" * (size - len(start.encode()))

    return st.text(max_size=size).map(fill)


def address(text: str) -> str:
    """An address of IPv6 as ClickHouse writes it."""
    value = ipaddress.IPv6Address(text)
    return f"::ffff:{value.ipv4_mapped}" if value.ipv4_mapped else str(value)


def in_utc(value: dt.datetime) -> dt.datetime:
    return value.astimezone(UTC)


def lists(case: Case) -> Case:
    return dataclasses.replace(
        case,
        type=f"Array({case.type})",
        values=st.lists(case.values, max_size=4),
        edges=([], list(case.edges)),
        expected=lambda value: [case.expected(element) for element in value],
    )


def nullable(case: Case) -> Case:
    return dataclasses.replace(
        case,
        type="LowCardinality(Nullable(String))" if case is LOW_CARDINALITY else f"Nullable({case.type})",
        values=st.none() | case.values,
        edges=(None, *case.edges),
        expected=lambda value: None if value is None else case.expected(value),
    )


INTEGERS = [integers(bits, signed=signed) for signed in (True, False) for bits in (8, 16, 32, 64, 128, 256)]
INT8, INT64, UINT64, UINT256 = INTEGERS[0], INTEGERS[3], INTEGERS[9], INTEGERS[11]
FINITE = [0.0, -0.0, 0.1, 5e-324, 1e22, 1.7976931348623157e308]
FLOAT32 = Case("Float32", st.floats(width=32), (-0.0, 1.5, 2.0**-149, math.nan, math.inf, -math.inf))
FLOAT64 = Case("Float64", st.floats(), (*FINITE, math.nan, math.inf, -math.inf))
BOOL = Case("Bool", st.booleans(), (True, False))
STRING = Case("String", st.text(), HOSTILE)
LOW_CARDINALITY = Case("LowCardinality(String)", st.text(), HOSTILE)
FIXED_STRING = Case("FixedString(7)", texts_of(7), ("\0" * 7, "it's \\N", "é😀x", "abc\0\0\0\0"))
QUOTED = [color.replace("\\", "\\\\").replace("'", "\\'") for color in COLORS]
ENUM8 = Case(
    "Enum8({})".format(", ".join(f"'{color}' = {number}" for number, color in enumerate(QUOTED, -3))),
    st.sampled_from(COLORS),
    COLORS,
)
ENUM16 = Case("Enum16('low' = -32768, 'high' = 32767)", st.sampled_from(["low", "high"]), ("low", "high"))
UUID = Case("UUID", st.uuids() | st.uuids().map(str), (uuid.UUID(int=0), uuid.UUID(int=2**128 - 1)), str)
IPV4 = Case("IPv4", st.ip_addresses(v=4).map(str), ("0.0.0.0", "255.255.255.255"))
IPV6 = Case("IPv6", st.ip_addresses(v=6).map(str), ("::", "::1", "::ffff:10.0.0.1", "1::"), address)
DATE = Case("Date", st.dates(dt.date(1970, 1, 1), dt.date(2149, 6, 6)), (dt.date(1970, 1, 1), dt.date(2149, 6, 6)))
DATE32 = Case(
    "Date32", st.dates(dt.date(1900, 1, 1), dt.date(2299, 12, 31)), (dt.date(1900, 1, 1), dt.date(2299, 12, 31))
)
CUBES = lists(lists(lists(INT8)))

CASES = [
    *INTEGERS,
    *(FLOAT32, FLOAT64, BOOL, STRING, LOW_CARDINALITY, FIXED_STRING, ENUM8, ENUM16, UUID, IPV4, IPV6, DATE, DATE32),
    *(decimals(*form) for form in ((9, 0), (9, 9), (18, 3), (38, 37), (76, 0), (76, 38), (76, 76))),
    *(date_time(zone) for zone in ZONES),
    *(date_time64(digits, "UTC") for digits in range(7)),
    *(date_time64(6, zone) for zone in ZONES[1:]),
    *(nullable(case) for case in (INT64, UINT256, FLOAT64, BOOL, STRING, LOW_CARDINALITY, FIXED_STRING, ENUM8, UUID)),
    *(nullable(case) for case in (IPV6, decimals(38, 37), DATE32, date_time("Europe/Berlin"), date_time64(3, "UTC"))),
    *(lists(case) for case in (INT8, UINT64, UINT256, BOOL, STRING, LOW_CARDINALITY, FIXED_STRING, ENUM8, UUID)),
    *(lists(case) for case in (IPV4, IPV6, decimals(76, 38), DATE, DATE32, date_time("Europe/Berlin"))),
    lists(date_time64(6, "America/New_York")),
    # Not those that are not finite, see REFUSED.
    lists(Case("Float64", st.floats(allow_nan=False, allow_infinity=False), FINITE)),
    lists(Case("Nullable(String)", st.text(), HOSTILE)),
    lists(lists(STRING)),
    # Not those of empty lists only, see REFUSED.
    dataclasses.replace(CUBES, values=CUBES.values.filter(lambda value: value == [] or any(value))),
]


@pytest.mark.parametrize("case", CASES, ids=[case.type for case in CASES])
def test_a_value_comes_back(client: helios.Helios, table: str, case: Case) -> None:
    columns = ", ".join(f"v{index} {case.type}" for index in range(MOST))
    client.query(f"CREATE TABLE {table} (turn UInt32, {columns}) ORDER BY turn")
    turns = itertools.count()

    @given(st.lists(case.values, min_size=1, max_size=MOST))
    @example(list(case.edges))
    def comes_back(values: list[Any]) -> None:
        of_column = {f"v{index}": value for index, value in enumerate(values)}
        parameters = {column: value for column, value in of_column.items() if value is not None}
        sent = {column: f"{{{column}:{case.type}}}" if column in parameters else "NULL" for column in of_column}
        turn = next(turns)
        into = f"INSERT INTO {table} (turn, {', '.join(sent)}) SELECT {turn}, {', '.join(sent.values())}"
        client.query(into, parameters)
        selected = ", ".join(f"{value} AS sent_{column}, {column}" for column, value in sent.items())
        result = client.query(f"SELECT {selected} FROM {table} WHERE turn = {turn}", parameters)
        rows = result.rows()
        expected = {
            name: case.expected(value) for column, value in of_column.items() for name in (f"sent_{column}", column)
        }
        # The text tells what `==` does not: NaN is NaN, -0.0 is not 0.0, 1.10 not 1.1, and an hour comes twice in a zone.
        assert repr(rows) == repr([expected])
        as_arrow = repr(in_common(rows, case))
        assert repr(in_common(pyarrow.table(result).to_pylist(), case)) == as_arrow
        if case.polars:
            assert repr(in_common(polars.DataFrame(result).to_dicts(), case)) == as_arrow

    comes_back()


def in_common(value: Any, case: Case) -> Any:
    """A value in the form that all have in common: times in UTC, and integers that Arrow has not as text."""
    if isinstance(value, list):
        return [in_common(element, case) for element in value]
    if isinstance(value, dict):
        return {name: in_common(element, case) for name, element in value.items()}
    if isinstance(value, dt.datetime):
        return in_utc(value)
    return str(value) if case.wide and isinstance(value, int) else value


@pytest.mark.parametrize("zone", ZONES)
def test_what_a_clock_shows_comes_back(client: helios.Helios, zone: str) -> None:
    @given(st.datetimes(dt.datetime(1971, 1, 1), dt.datetime(2105, 1, 1)))
    @example(dt.datetime(2026, 10, 25, 2, 30))
    @example(dt.datetime(2026, 11, 1, 1, 30))
    def comes_back(clock: dt.datetime) -> None:
        # When the clock goes on it passes some times over.
        assume(
            clock.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
            == clock
        )
        whole = clock.replace(microsecond=0)
        sql = f"SELECT {{whole:DateTime('{zone}')}} AS whole, {{clock:DateTime64(6, '{zone}')}} AS clock"
        (row,) = client.query(sql, {"whole": whole, "clock": clock})
        assert {name: time.tzinfo for name, time in row.items()} == dict.fromkeys(row, ZoneInfo(zone))
        assert {name: time.replace(tzinfo=None) for name, time in row.items()} == {"whole": whole, "clock": clock}

    comes_back()


def test_what_clickhouse_would_read_as_another_time_is_refused(client: helios.Helios) -> None:
    """The sign of a number of seconds is lost where that is 0."""
    for microseconds in (1, 500_000, 999_999):
        with pytest.raises(helios.InvalidInputError, match="last second before 1970"):
            client.query("SELECT {v:DateTime64(6)}", {"v": EPOCH - dt.timedelta(microseconds=microseconds)})
    for value in (EPOCH, EPOCH - dt.timedelta(seconds=1), EPOCH - dt.timedelta(seconds=1, microseconds=1)):
        assert client.query("SELECT {v:DateTime64(6, 'UTC')} AS v", {"v": value}).rows() == [{"v": value}]


# ClickHouse reads the elements of a list without quotes where they are numbers, and JSON has no number for these; and of lists of
# empty lists it takes the depth from the value.
REFUSED = [
    *((f"Array({kind})", [value]) for kind in ("Float32", "Float64") for value in (math.nan, math.inf, -math.inf)),
    ("Array(Array(Array(Int8)))", [[]]),
]


@pytest.mark.parametrize(("data_type", "value"), REFUSED, ids=str)
def test_what_clickhouse_does_not_read_is_refused(client: helios.Helios, data_type: str, value: Any) -> None:
    """And never read as something else."""
    with pytest.raises(helios.InvalidQueryError):
        client.query(f"SELECT {{v:{data_type}}}", {"v": value})
