"""Results as tables of pyarrow, and as frames of pandas and polars: every type, exact."""

from __future__ import annotations

import asyncio
import datetime as dt
import math
import subprocess
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import numpy
import pandas
import polars
import pyarrow as pa
import pytest
from engines import is_refused

import helios
from helios import _types

Run = Callable[..., "subprocess.CompletedProcess[str]"]
UTC = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
NOON = dt.datetime(2026, 7, 31, 12, tzinfo=BERLIN)
WIDEST = 2**128 - 1
ENUM = "Enum8('low' = -2, 'high' = 1, 'other' = 5)"
CHOICES = polars.Enum(["low", "high", "other"])
SUSPICIOUS = "SETTINGS allow_suspicious_low_cardinality_types = 1"
LONG = "1234567890123456789012345678901234567890123456789012345678.0000000001"


def values(*given: str, of: str | None = None) -> str:
    """An expression that has these values in turn, of a type."""
    each = f"arrayJoin([{', '.join(given)}])"
    return f"CAST({each} AS {of})" if of else each


# expression, dtype and values in pandas, dtype and values in polars
FRAMES: list[tuple[str, str, list[Any], Any, list[Any]]] = [
    *(
        (
            values("'0'", f"'{2**bits - 1}'", of=f"UInt{bits}"),
            f"uint{bits}",
            [0, 2**bits - 1],
            getattr(polars, f"UInt{bits}"),
            [0, 2**bits - 1],
        )
        for bits in (8, 16, 32, 64)
    ),
    *(
        (
            values("NULL", f"'{2 ** (bits - 1) - 1}'", of=f"Nullable(Int{bits})"),
            f"Int{bits}",
            [pandas.NA, 2 ** (bits - 1) - 1],
            getattr(polars, f"Int{bits}"),
            [None, 2 ** (bits - 1) - 1],
        )
        for bits in (8, 16, 32, 64)
    ),
    (
        values("NULL", f"'{2**64 - 1}'", of="Nullable(UInt64)"),
        "UInt64",
        [pandas.NA, 2**64 - 1],
        polars.UInt64,
        [None, 2**64 - 1],
    ),
    ("toNullable(1::Int64)", "int64", [1], polars.Int64, [1]),
    (
        values("NULL", f"'{WIDEST}'", of="Nullable(UInt128)"),
        "object",
        [None, WIDEST],
        polars.UInt128,
        [None, WIDEST],
    ),
    (values(f"'{-(2**127)}'", of="Int128"), "object", [-(2**127)], polars.Int128, [-(2**127)]),
    (values(f"'{2**256 - 1}'", of="UInt256"), "object", [2**256 - 1], polars.String, [str(2**256 - 1)]),
    (values("NULL", "'-5'", of="Nullable(Int256)"), "object", [None, -5], polars.String, [None, "-5"]),
    ("toFloat32(1.5)", "float32", [1.5], polars.Float32, [1.5]),
    ("toBFloat16(1.5)", "float32", [1.5], polars.Float32, [1.5]),
    (
        values("nan", "NULL", "-inf", of="Nullable(Float64)"),
        "float64",
        [math.nan, math.nan, -math.inf],
        polars.Float64,
        [math.nan, None, -math.inf],
    ),
    ("true", "bool", [True], polars.Boolean, [True]),
    (values("true", "NULL"), "boolean", [True, pandas.NA], polars.Boolean, [True, None]),
    (
        values("'1.10'", "NULL", of="Nullable(Decimal(38, 2))"),
        "object",
        [Decimal("1.10"), None],
        polars.Decimal(38, 2),
        [Decimal("1.10"), None],
    ),
    (
        values(f"'{LONG}'", "'-0.0000000001'", of="Decimal(76, 10)"),
        "object",
        [Decimal(LONG), Decimal("-0.0000000001")],
        polars.String,
        [LONG, "-0.0000000001"],
    ),
    (values("'ä\\0😀'", "''", "NULL"), "str", ["ä\0😀", "", math.nan], polars.String, ["ä\0😀", "", None]),
    ("toFixedString('ab', 2)", "str", ["ab"], polars.String, ["ab"]),
    (
        values("'x'", "'y'", "'x'", of="LowCardinality(String)"),
        "category",
        ["x", "y", "x"],
        polars.Categorical,
        ["x", "y", "x"],
    ),
    (
        values("'x'", "NULL", of="LowCardinality(Nullable(String))"),
        "category",
        ["x", math.nan],
        polars.Categorical,
        ["x", None],
    ),
    (values("7", "NULL", of="LowCardinality(Nullable(UInt64))"), "UInt64", [7, pandas.NA], polars.UInt64, [7, None]),
    (values("7", of="LowCardinality(Float64)"), "float64", [7.0], polars.Float64, [7.0]),
    (values("'high'", "NULL", of=f"Nullable({ENUM})"), "category", ["high", math.nan], CHOICES, ["high", None]),
    (f"CAST('low' AS {ENUM})", "category", ["low"], CHOICES, ["low"]),
    (
        "toUUID('28521d01-6221-4f6c-942f-683011282bcb')",
        "str",
        ["28521d01-6221-4f6c-942f-683011282bcb"],
        polars.String,
        ["28521d01-6221-4f6c-942f-683011282bcb"],
    ),
    ("toIPv4('10.0.0.1')", "str", ["10.0.0.1"], polars.String, ["10.0.0.1"]),
    ("toIPv6('2001:db8::1')", "str", ["2001:db8::1"], polars.String, ["2001:db8::1"]),
    (
        values("'1900-01-01'", "NULL", "'2299-12-31'", of="Nullable(Date32)"),
        "datetime64[ms]",
        [pandas.Timestamp(1900, 1, 1), pandas.NaT, pandas.Timestamp(2299, 12, 31)],
        polars.Date,
        [dt.date(1900, 1, 1), None, dt.date(2299, 12, 31)],
    ),
    (
        "toDateTime('2026-07-31 12:00:00', 'Europe/Berlin')",
        "datetime64[s, Europe/Berlin]",
        [pandas.Timestamp(NOON)],
        polars.Datetime("ms", "Europe/Berlin"),
        [NOON],
    ),
    (
        "toDateTime64('2026-01-31 00:00:00.123456789', 9, 'UTC')",
        "datetime64[ns, UTC]",
        [pandas.Timestamp("2026-01-31 00:00:00.123456789", tz="UTC")],
        polars.Datetime("ns", "UTC"),
        [dt.datetime(2026, 1, 31, 0, 0, 0, 123456, UTC)],
    ),
    (
        values("'2299-12-31 23:59:59.999999'", "NULL", of="Nullable(DateTime64(6, 'UTC'))"),
        "datetime64[us, UTC]",
        [pandas.Timestamp("2299-12-31 23:59:59.999999", tz="UTC"), pandas.NaT],
        polars.Datetime("us", "UTC"),
        [dt.datetime(2299, 12, 31, 23, 59, 59, 999999, UTC), None],
    ),
    (
        "toTime64('-100:00:00.5', 3)",
        "timedelta64[ms]",
        [-pandas.Timedelta(hours=100, milliseconds=500)],
        polars.Duration("ms"),
        [-dt.timedelta(hours=100, milliseconds=500)],
    ),
    ("INTERVAL 3 DAY", "int64", [3], polars.Int64, [3]),
    ("NULL", "object", [None], polars.Null, [None]),
    (
        "[[1], [], [2, NULL]]",
        "object",
        [[[1], [], [2, None]]],
        polars.List(polars.List(polars.UInt8)),
        [[[1], [], [2, None]]],
    ),
    ("['a', 'b']", "object", [["a", "b"]], polars.List(polars.String), [["a", "b"]]),
    (f"[toInt256('{2**200}')]", "object", [[2**200]], polars.List(polars.String), [[str(2**200)]]),
    (
        f"[toUInt128('{WIDEST}'), NULL]",
        "object",
        [[WIDEST, None]],
        polars.List(polars.UInt128),
        [[WIDEST, None]],
    ),
    (f"[CAST('high' AS {ENUM})]", "object", [["high"]], polars.List(CHOICES), [["high"]]),
    (
        "[toDateTime('2026-07-31 12:00:00', 'Europe/Berlin')]",
        "object",
        [[NOON]],
        polars.List(polars.Datetime("ms", "Europe/Berlin")),
        [[NOON]],
    ),
    (
        "map('a', [toInt128(1)])",
        "object",
        [{"a": [1]}],
        polars.Map(polars.String, polars.List(polars.Int128)),
        [{"a": [1]}],
    ),
    ("(1, 'a')", "object", [(1, "a")], polars.Struct({"1": polars.UInt8, "2": polars.String}), [{"1": 1, "2": "a"}]),
    (
        f"CAST((1, 'high', toDecimal256('0.5', 2)) AS Tuple(`a, b` UInt8, `Enum8(` {ENUM}, d Decimal(76, 2)))",
        "object",
        [{"a, b": 1, "Enum8(": "high", "d": Decimal("0.50")}],
        polars.Struct({"a, b": polars.UInt8, "Enum8(": CHOICES, "d": polars.String}),
        [{"a, b": 1, "Enum8(": "high", "d": "0.50"}],
    ),
    (
        "CAST([(1, 'a')] AS Nested(x UInt128, y String))",
        "object",
        [[{"x": 1, "y": "a"}]],
        polars.List(polars.Struct({"x": polars.UInt128, "y": polars.String})),
        [[{"x": 1, "y": "a"}]],
    ),
    (
        "(1., 2.)::Point",
        "object",
        [(1.0, 2.0)],
        polars.Struct({"1": polars.Float64, "2": polars.Float64}),
        [{"1": 1.0, "2": 2.0}],
    ),
    (
        """'{"a": [1, "x"], "n": 18446744073709551615}'::JSON""",
        "object",
        [{"a": [1, "x"], "n": 2**64 - 1}],
        polars.String,
        ['{"a":[1,"x"],"n":18446744073709551615}'],
    ),
    (values("5::Variant(UInt8, String)", "'x'", of="Dynamic"), "object", [5, "x"], polars.String, ["5", '"x"']),
    (
        values("toInt128(5)::Variant(Int128, String)", "'x'", "NULL"),
        "object",
        [5, "x", None],
        polars.Object,
        [5, "x", None],
    ),
    ("[5::Variant(UInt8, String), 'x']", "object", [[5, "x"]], polars.Object, [[5, "x"]]),
]


def same(found: Any, expected: Any) -> bool:
    """Whether two values are the same, types and all."""
    if expected is pandas.NA or expected is pandas.NaT or expected is None:
        return found is expected
    if isinstance(expected, float) and math.isnan(expected):
        return isinstance(found, float) and math.isnan(found)
    return type(found) is type(expected) and bool(found == expected)


@pytest.mark.parametrize("wide_integers", ["text", "decimal"])
@pytest.mark.parametrize(
    ("expression", "dtype", "expected", "polars_type", "polars_values"), FRAMES, ids=[frame[0] for frame in FRAMES]
)
def test_each_type(
    client: helios.Helios,
    expression: str,
    dtype: str,
    expected: list[Any],
    polars_type: Any,
    polars_values: list[Any],
    wide_integers: Any,
) -> None:
    if is_refused(client, expression):
        with pytest.raises(helios.HeliosError, match="time-of-day"):
            client.query(f"SELECT {expression} AS v {SUSPICIOUS}")
        return
    result = client.query(f"SELECT {expression} AS v {SUSPICIOUS}", wide_integers=wide_integers)
    frame = result.to_pandas()
    assert str(frame["v"].dtype) == dtype
    assert len(frame) == len(expected)
    assert all(map(same, frame["v"].tolist(), expected)), frame["v"].tolist()

    of_polars = result.to_polars()
    assert of_polars.schema["v"] == polars_type
    assert len(of_polars) == len(polars_values)
    assert all(map(same, of_polars["v"].to_list(), polars_values)), of_polars["v"].to_list()

    for batch in result.batches():
        pandas.testing.assert_frame_equal(batch.to_pandas(), frame)
    read = client.query_arrow(f"SELECT {expression} AS v {SUSPICIOUS}", wide_integers=wide_integers)
    pandas.testing.assert_frame_equal(read.to_pandas(), frame)


def test_arrays_of_numbers_are_numpys(client: helios.Helios) -> None:
    sql = "SELECT range(number)::Array(UInt16) AS n, [0.5::Float32] AS f, [1, NULL] AS o FROM numbers(3)"
    frame = client.query(sql).to_pandas()
    assert [(array.dtype, array.tolist()) for array in frame["n"]] == [
        (numpy.uint16, []),
        (numpy.uint16, [0]),
        (numpy.uint16, [0, 1]),
    ]
    assert frame["f"][0].dtype == numpy.float32
    assert frame["o"][0] == [1, None]


def test_categories(client: helios.Helios) -> None:
    """An enum's are all of its names in their order; those of texts that repeat the ones that occur."""
    sql = f"""
        SELECT CAST(number % 2 = 0 ? 'other' : 'low' AS {ENUM}) AS e, toLowCardinality(toString(number % 3)) AS l,
               CAST(number % 2 = 0 ? NULL : l AS LowCardinality(Nullable(String))) AS n, toLowCardinality(toString(number)) AS many
        FROM numbers(150000)
    """
    frame = client.query(sql).to_pandas()
    assert frame["e"].cat.ordered
    assert frame["e"].cat.categories.tolist() == ["low", "high", "other"]
    assert frame["e"].min() == "low" < frame["e"].max()
    assert sorted(frame["l"].cat.categories) == sorted(frame["n"].cat.categories) == ["0", "1", "2"]
    assert not frame["l"].cat.ordered
    for number in (0, 1, 149_999):
        assert frame["e"][number] == ("other" if number % 2 == 0 else "low")
        assert frame["l"][number] == str(number % 3)
        assert frame["many"][number] == str(number)
    assert frame["n"].isna().sum() == 75_000
    assert frame["n"].dropna().equals(frame["l"][1::2].cat.set_categories(frame["n"].cat.categories))
    # Which of these occur is not seen at the beginning.
    sql = "SELECT toLowCardinality(multiIf(number < 140000, 'first', number % 2 = 0, 'even', '')) AS l FROM numbers(150000)"
    late = client.query(sql).to_pandas()["l"]
    assert late.value_counts().to_dict() == {"first": 140_000, "even": 5_000, "": 5_000}


def test_an_enum_of_odd_names(client: helios.Helios) -> None:
    names = ["a'b", "", "c\\d", "e\nf\tg\0", "h, i = 1)", "ä😀"]
    quoted = [name.replace("\\", "\\\\").replace("'", "\\'").replace("\0", "\\0") for name in names]
    kind = ", ".join(f"'{name}' = {number}" for number, name in enumerate(quoted))
    result = client.query(f"SELECT arrayJoin([{', '.join(map(repr, range(len(names))))}])::Enum8({kind}) AS e")
    frame = result.to_pandas()
    assert frame["e"].tolist() == frame["e"].cat.categories.tolist() == names
    assert result.to_polars().schema == {"e": polars.Enum(names)}
    assert result.to_polars()["e"].to_list() == names


def test_the_text_of_a_type() -> None:
    kind = _types.parse("LowCardinality(Nullable(FixedString(2)))")
    assert kind == _types.Type("FixedString", [], None, None)
    assert _types.parse("Nullable(Decimal(76, 5))").digits == 76
    kind = _types.parse("SimpleAggregateFunction(sum, Nullable(Int128))")
    assert kind.is_wide_integer
    kind = _types.parse("Tuple(`a), ` Array(Enum8('x, )' = 1, '`' = 2)), b Decimal(9, 2))")
    assert kind.inner == ["Array(Enum8('x, )' = 1, '`' = 2))", "Decimal(9, 2)"]
    assert _types.parse(_types.parse(kind.inner[0]).inner[0]).enum_names == ["x, )", "`"]
    assert _types.parse("Tuple(UInt8, String)").inner == ["UInt8", "String"]
    assert _types.parse("Map(String, Tuple(x UInt8))").inner == ["String", "Tuple(x UInt8)"]
    assert _types.parse("Tuple()").inner == []


def test_texts_that_are_not_utf_8_and_repeat(client: helios.Helios) -> None:
    result = client.query("SELECT arrayJoin([unhex('61FF'), unhex('61FE'), 'b'])::LowCardinality(String) AS v")
    frame = result.to_pandas()
    assert frame["v"].tolist() == result.to_polars()["v"].to_list() == ["a\ufffd", "a\ufffd", "b"]
    assert frame["v"].cat.categories.tolist() == ["a\ufffd", "b"]


def test_no_rows(client: helios.Helios) -> None:
    sql = f"SELECT 1::UInt64 AS a, CAST('low' AS {ENUM}) AS e, 'x'::LowCardinality(String) AS l, [1] AS n, 5::Int128 AS w WHERE 0"
    dtypes = ["uint64", "category", "category", "object", "object"]
    schema = {
        "a": polars.UInt64,
        "e": CHOICES,
        "l": polars.Categorical,
        "n": polars.List(polars.UInt8),
        "w": polars.Int128,
    }
    for result in (client.query(sql), client.query_arrow(sql)):
        frame = result.to_pandas()
        assert frame.shape == (0, 5)
        assert frame.dtypes.astype(str).tolist() == dtypes
        assert frame["e"].cat.categories.tolist() == ["low", "high", "other"]
    for result in (client.query(sql), client.query_arrow(sql)):
        assert dict(result.to_polars().schema) == schema
    assert client.query(sql).batches() == []


def test_no_columns(client: helios.Helios, table: str) -> None:
    result = client.query(f"CREATE TABLE {table} (a UInt8) ORDER BY a")
    assert result.to_arrow().shape == result.to_pandas().shape == result.to_polars().shape == (0, 0)


def test_columns_of_one_name(client: helios.Helios) -> None:
    result = client.query("SELECT number AS a, toString(number) AS b, number, number FROM numbers(2)")
    frame = result.to_pandas()
    assert frame.columns.tolist() == ["a", "b", "number", "number"]
    assert frame.to_numpy().tolist() == [[0, "0", 0, 0], [1, "1", 1, 1]]
    mixed = client.query("SELECT [number::UInt256], number, number FROM numbers(1)").to_pandas()
    assert mixed.iloc[0].tolist() == [[0], 0, 0]
    assert result.to_arrow().num_columns == 4
    for of in (result, result.batches()[0], client.query_arrow("SELECT number, number FROM numbers(2)")):
        with pytest.raises(helios.InvalidInputError, match="two columns are named 'number'") as caught:
            of.to_polars()
        assert caught.value.context == {"column": "number"}


def test_a_frame_can_be_changed(client: helios.Helios) -> None:
    result = client.query("SELECT number AS n, number / 2 AS f, 'x'::LowCardinality(String) AS l FROM numbers(3)")
    frame = result.to_pandas()
    frame.loc[0, "n"] = 7
    frame.loc[0, "f"] = 7.5
    frame.loc[0, "l"] = "x"
    assert frame["n"].tolist() == [7, 1, 2]
    assert result.rows()[0] == {"n": 0, "f": 0.0, "l": "x"}
    assert result.to_pandas()["n"].tolist() == [0, 1, 2]


MANY = "SELECT number AS n, toString(number) AS s, toInt128(number) AS w, number % 3 = 0 ? NULL : number AS o FROM numbers(200000)"


def test_many_rows(client: helios.Helios) -> None:
    result = client.query(MANY)
    table = result.to_arrow()
    assert isinstance(table, pa.Table)
    assert table.schema.field("w").metadata == {b"clickhouse.type": b"Int128"}
    assert table.num_rows == 200_000
    frame = result.to_pandas()
    assert frame.index.equals(pandas.RangeIndex(200_000))
    assert frame["n"].tolist() == frame["w"].tolist() == list(range(200_000))
    assert frame["o"].isna().sum() == 66_667
    of_polars = result.to_polars()
    assert of_polars.schema == {"n": polars.UInt64, "s": polars.String, "w": polars.Int128, "o": polars.UInt64}
    assert of_polars.rows()[199_999] == (199_999, "199999", 199_999, 199_999)

    batches = result.batches()
    assert len(batches) > 1
    assert [row for batch in batches for row in batch] == result.rows()
    assert batches[0].columns == result.columns
    pandas.testing.assert_frame_equal(pandas.concat([batch.to_pandas() for batch in batches], ignore_index=True), frame)
    assert polars.concat([batch.to_polars() for batch in batches]).equals(of_polars)
    assert pa.concat_tables([batch.to_arrow() for batch in batches]) == table


@pytest.mark.parametrize("method", ["to_arrow", "to_pandas", "to_polars"])
def test_the_batches_not_read_yet(client: helios.Helios, method: str) -> None:
    batches = client.query_arrow(MANY)
    read = len(next(batches))
    rest = getattr(batches, method)()
    assert len(rest) == 200_000 - read
    assert int(rest["n"][0].as_py() if method == "to_arrow" else rest["n"][0]) == read
    with pytest.raises(helios.InvalidInputError, match="handed over"):
        getattr(batches, method)()
    late = client.query_arrow("SELECT throwIf(number = 3000000, 'late') AS t FROM numbers(4000000)")
    with pytest.raises(helios.InvalidQueryError, match="late"):
        getattr(late, method)()
    with pytest.raises(helios.QueryCancelledError, match="before its end"):
        getattr(late, method)()
    with client.query_arrow(MANY) as closed:
        next(closed)
    with pytest.raises(helios.QueryCancelledError, match="closed"):
        getattr(closed, method)()


def test_the_batches_not_read_yet_in_asyncio(data: Path) -> None:
    async def main() -> None:
        async with await helios.connect_async(data) as client:
            for method in ("to_arrow", "to_pandas", "to_polars"):
                async with await client.query_arrow(MANY) as batches:
                    read = len(await anext(batches))
                    assert len(await getattr(batches, method)()) == 200_000 - read
            frame = (await client.query("SELECT 1 AS one")).to_pandas()
            assert frame.to_dict("list") == {"one": [1]}

    asyncio.run(main())


def test_duckdb_reads_a_result(client: helios.Helios) -> None:
    result = client.query("SELECT number AS n, toDateTime(number, 'UTC') AS t FROM numbers(100000)")
    batches = client.query_arrow("SELECT number AS n FROM numbers(100000)")
    sums = duckdb.sql("SELECT sum(n), count(DISTINCT t) FROM result")
    assert sums is not None and sums.fetchall() == [(4_999_950_000, 100_000)]
    last = duckdb.sql("SELECT max(n) FROM batches")
    assert last is not None and last.fetchall() == [(99_999,)]
    del result, batches


WITHOUT = """
import sys
for name in ABSENT:
    sys.modules[name] = None
import helios
client = helios.connect("data")
results = [client.query(SQL), client.query(SQL).batches()[0], client.query_arrow(SQL)]
for result in results:
    try:
        print(len(result.METHOD()))
    except ImportError as error:
        print(error.name, error, type(error.__cause__).__name__)
        # Nothing was read.
        assert len(list(result)) == 1
"""


def without(run: Run, absent: list[str], method: str, sql: str = "SELECT 1 AS one") -> list[str]:
    code = WITHOUT.replace("ABSENT", repr(absent)).replace("METHOD", method).replace("SQL", repr(sql))
    return sorted(set(run(code).stdout.splitlines()))


def test_without_the_packages(run: Run) -> None:
    def missing(what: str, name: str, extra: str) -> list[str]:
        return [f"{name} {what} needs the package {name}: pip install 'helios-py[{extra}]' ModuleNotFoundError"]

    assert without(run, ["pyarrow"], "to_arrow") == missing("to_arrow", "pyarrow", "pandas")
    assert without(run, ["pandas"], "to_pandas") == missing("to_pandas", "pandas", "pandas")
    assert without(run, ["pandas", "pyarrow"], "to_pandas") == missing("to_pandas", "pandas", "pandas")
    assert without(run, ["pyarrow"], "to_pandas") == missing("to_pandas", "pyarrow", "pandas")
    assert without(run, ["polars"], "to_polars") == missing("to_polars", "polars", "polars")
    # polars needs neither, but for what it cannot read itself.
    others = ["pandas", "pyarrow"]
    assert without(run, others, "to_polars") == ["1"]
    assert without(run, others, "to_polars", "SELECT 1::Int128 AS one") == ["1"]
    for sql, kind in (
        ("SELECT [toDecimal256(1, 50)] AS one", "Array(Decimal(76, 50))"),
        ("SELECT 1::Variant(UInt8, String) AS one", "Variant(String, UInt8)"),
    ):
        needed = missing(f"to_polars of the column 'one', {kind},", "pyarrow", "pandas")
        assert without(run, others, "to_polars", sql) == needed
    run(
        "import sys; sys.modules['pyarrow'] = None; import helios; client = helios.connect('data')\n"
        "try: client.query('SELECT 1::Int128 AS one', wide_integers='decimal').to_polars()\n"
        "except ImportError as error: assert error.name == 'pyarrow'\n"
        "else: raise AssertionError"
    )
