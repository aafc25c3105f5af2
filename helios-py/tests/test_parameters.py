"""Values of parameters reach the query as they are, and only as values."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

import helios

UTC = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
HOSTILE = "it's \\ \"x\" \t\r\n\0\b\f ' OR 1=1; DROP TABLE t -- {y:Int8} `a` %s \\N é😀 ],['"

ROUND_TRIPS: list[tuple[str, Any]] = [
    ("String", ""),
    ("String", HOSTILE),
    ("String", "\\N"),
    ("LowCardinality(String)", "x"),
    ("Int8", -128),
    ("Int256", -(2**255)),
    ("UInt256", 2**256 - 1),
    ("Float64", 0.1),
    ("Float64", 1e300),
    ("Float64", -math.inf),
    ("Bool", True),
    ("Bool", False),
    ("Decimal(10, 2)", Decimal("-1.25")),
    ("Decimal(10, 2)", Decimal("1E+2")),
    ("Decimal(76, 2)", Decimal("1" * 70 + ".25")),
    ("Date", dt.date(2026, 1, 31)),
    ("Date32", dt.date(1900, 1, 1)),
    ("DateTime('UTC')", dt.datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC)),
    ("DateTime('Europe/Berlin')", dt.datetime(2026, 7, 31, 12, tzinfo=UTC)),
    ("DateTime('UTC')", dt.datetime(2026, 7, 31, 12, tzinfo=BERLIN)),
    ("DateTime64(6, 'UTC')", dt.datetime(2026, 1, 31, 12, 0, 0, 5, tzinfo=UTC)),
    ("DateTime64(6, 'UTC')", dt.datetime(1969, 12, 31, 23, 59, 58, 500000, tzinfo=UTC)),
    ("DateTime64(6, 'Europe/Berlin')", dt.datetime(1950, 7, 1, tzinfo=UTC)),
    ("Array(String)", []),
    ("Array(String)", [HOSTILE, "", "'", "\\"]),
    ("Array(Array(Int16))", [[1], [], [-2, 3]]),
    ("Array(UInt256)", [2**256 - 1]),
    ("Array(Decimal(10, 2))", [Decimal("1.25")]),
    ("Array(Float64)", [1.5, 1e300]),
    ("Array(Bool)", [True, False]),
    ("Array(Date)", [dt.date(2026, 1, 31)]),
    ("Array(DateTime64(6, 'UTC'))", [dt.datetime(1969, 12, 31, 23, 59, 58, 500000, tzinfo=UTC)]),
]


@pytest.mark.parametrize(("data_type", "value"), ROUND_TRIPS, ids=[str(entry) for entry in ROUND_TRIPS])
def test_a_value_comes_back(client: helios.Helios, data_type: str, value: Any) -> None:
    (row,) = client.query(f"SELECT {{value:{data_type}}} AS value", {"value": value})
    assert row == {"value": value}


def test_a_uuid(client: helios.Helios) -> None:
    value = UUID("28521d01-6221-4f6c-942f-683011282bcb")
    (row,) = client.query("SELECT {one:UUID} AS one, {many:Array(UUID)} AS many", {"one": value, "many": (value,)})
    assert row == {"one": str(value), "many": [str(value)]}


def test_not_a_number(client: helios.Helios) -> None:
    (row,) = client.query("SELECT {value:Float64} AS value", {"value": math.nan})
    assert math.isnan(row["value"])


def test_a_time_without_a_zone_is_in_the_zone_of_the_parameter(client: helios.Helios) -> None:
    naive = dt.datetime(2026, 7, 31, 12, 0, 0, 5)
    sql = "SELECT {berlin:DateTime64(6, 'Europe/Berlin')} AS berlin, {utc:DateTime64(6, 'UTC')} AS utc"
    (row,) = client.query(sql, {"berlin": naive, "utc": naive})
    assert row == {"berlin": naive.replace(tzinfo=BERLIN), "utc": naive.replace(tzinfo=UTC)}


def test_subclasses_are_what_they_inherit(client: helios.Helios) -> None:
    import enum

    class Word(str, enum.Enum):
        BLUE = "blue"

    class Number(enum.IntEnum):
        SEVEN = 7

    (row,) = client.query("SELECT {w:String} AS w, {n:UInt8} AS n", {"w": Word.BLUE, "n": Number.SEVEN})
    assert row == {"w": "blue", "n": 7}


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"bytes",
        bytearray(b"x"),
        {"a": 1},
        {1},
        object(),
        1j,
        range(3),
        dt.timedelta(1),
        dt.time(1),
        [None],
        [b"x"],
        [{}],
    ],
    ids=repr,
)
def test_anything_else_is_a_type_error_that_names_it(client: helios.Helios, value: Any) -> None:
    with pytest.raises(TypeError, match=r"the parameter thing(\[0\])? must be a str, int"):
        client.query("SELECT {thing:String}", {"thing": value})


def test_an_error_holds_no_value(client: helios.Helios) -> None:
    with pytest.raises(TypeError) as caught:
        client.query("SELECT {key:String}", {"key": b"canary"})
    assert "canary" not in str(caught.value)


def test_half_a_surrogate_pair_is_no_text(client: helios.Helios) -> None:
    for value in ("\ud800", ["\ud800"]):
        with pytest.raises(helios.InvalidInputError, match=r"the parameter word.* lone surrogate"):
            client.query("SELECT {word:String}", {"word": value})


def test_a_value_that_does_not_fit_its_type(client: helios.Helios) -> None:
    for data_type, value in [("UInt8", "1; DROP TABLE t"), ("Date", "tomorrow"), ("Array(Int8)", ["x"])]:
        with pytest.raises(helios.InvalidQueryError):
            client.query(f"SELECT {{value:{data_type}}}", {"value": value})


def test_a_parameter_without_a_value(client: helios.Helios) -> None:
    with pytest.raises(helios.HeliosError, match="value"):
        client.query("SELECT {value:String}")
