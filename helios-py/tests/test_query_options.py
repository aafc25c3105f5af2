"""What a query can be told, on each way to its result."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

import helios

Call = Callable[..., Any]


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest, client: helios.Helios, data: Path) -> Call:
    """Calls a method by its name; what is read piece by piece is read to its end, as bytes or rows."""

    def whole(result: Any) -> Any:
        if isinstance(result, helios.QueryBytes):
            return b"".join(result)
        return [row for batch in result for row in batch] if isinstance(result, helios.QueryBatches) else result

    if request.param == "sync":
        return lambda method, *args, **kwargs: whole(getattr(client, method)(*args, **kwargs))

    async def call(method: str, *args: Any, **kwargs: Any) -> Any:
        async with await helios.connect_async(data) as other:
            result = await getattr(other, method)(*args, **kwargs)
            if isinstance(result, helios.AsyncQueryBytes):
                return b"".join([chunk async for chunk in result])
            if isinstance(result, helios.AsyncQueryBatches):
                return [row async for batch in result for row in batch]
            return result

    return lambda *args, **kwargs: asyncio.run(call(*args, **kwargs))


def test_the_documented_json(call: Call) -> None:
    sql = "SELECT number AS n, 'é' AS s, nan AS f, toDateTime(0, 'UTC') AS t, unhex('FF') AS x FROM numbers(2)"
    wanted = (
        '{"data":[{"n":0,"s":"é","f":null,"t":"1970-01-01T00:00:00Z","x":"�"},'
        '{"n":1,"s":"é","f":null,"t":"1970-01-01T00:00:00Z","x":"�"}],'
        '"metadata":{"query":' + json.dumps(sql, ensure_ascii=False) + ',"row_count":2,'
        '"column_names":["n","s","f","t","x"],'
        '"column_types":["UInt64","String","Float64","DateTime(\'UTC\')","String"]}}'
    )
    assert call("query_json", sql).decode() == wanted
    assert call("query_bytes", sql, format="json").decode() == wanted


def test_the_forms_of_bytes(call: Call) -> None:
    sql = "SELECT number AS n, 'a \"b\"' AS s FROM numbers({rows:UInt32})"
    rows = [{"n": n, "s": 'a "b"'} for n in range(3)]
    parameters = {"rows": 3}
    assert [json.loads(line) for line in call("query_bytes", sql, parameters).splitlines()] == rows
    text = call("query_bytes", sql, parameters, format="csv").decode()
    assert list(csv.DictReader(io.StringIO(text))) == [{"n": str(row["n"]), "s": row["s"]} for row in rows]
    assert pa.ipc.open_stream(call("query_bytes", sql, parameters, format="arrow")).read_all().to_pylist() == rows
    parquet = pa.BufferReader(call("query_bytes", sql, parameters, format="parquet"))
    assert pyarrow.parquet.read_table(parquet).to_pylist() == rows
    with pytest.raises(helios.InvalidInputError, match="format must be one of json, ndjson"):
        call("query_bytes", sql, parameters, format="xml")


def test_limit_is_the_first_rows(call: Call) -> None:
    sql = "SELECT number AS n FROM numbers(100000)"
    rows = [{"n": n} for n in range(3)]
    assert call("query", sql, limit=3).rows() == rows
    assert call("query_arrow", sql, limit=3) == rows
    assert json.loads(call("query_json", sql, limit=3))["data"] == rows
    assert call("query_bytes", sql, limit=3) == b'{"n":0}\n{"n":1}\n{"n":2}\n'
    for method in ("query", "query_arrow", "query_json", "query_bytes"):
        with pytest.raises(helios.InvalidInputError, match="`limit` is too small"):
            call(method, sql, limit=0)


@pytest.mark.parametrize(
    ("times", "text"),
    [(None, "1970-01-01T00:00:00Z"), ("simple", "1970-01-01 01:00:00"), ("unixTimestamp", "0")],
)
def test_times(call: Call, times: str | None, text: str) -> None:
    sql = "SELECT toDateTime(0, 'Europe/Berlin') AS t"
    assert json.loads(call("query_json", sql, times=times))["data"] == [{"t": text}]
    assert json.loads(call("query_bytes", sql, times=times)) == {"t": text}


def test_64_bit_integers_as_text(call: Call) -> None:
    sql = "SELECT 18446744073709551615 AS n, 1::UInt32 AS m"
    assert json.loads(call("query_json", sql, quote_64bit_integers=True))["data"] == [{"n": str(2**64 - 1), "m": 1}]
    assert json.loads(call("query_json", sql))["data"] == [{"n": 2**64 - 1, "m": 1}]
    assert json.loads(call("query_bytes", sql, quote_64bit_integers=True)) == {"n": str(2**64 - 1), "m": 1}


WIDE = {
    "Int128": (-(2**127), 2**127 - 1),
    "UInt128": (0, 2**128 - 1),
    "Int256": (-(2**255), 2**255 - 1),
    "UInt256": (0, 2**256 - 1),
}


def test_wide_integers(call: Call) -> None:
    columns = ", ".join(
        f"to{name}('{value}') AS {name}_{i}" for name, ends in WIDE.items() for i, value in enumerate(ends)
    )
    sql = f"SELECT {columns}, [toInt128(-1), NULL] AS a"
    rows = [{f"{name}_{i}": value for name, ends in WIDE.items() for i, value in enumerate(ends)} | {"a": [-1, None]}]
    text, decimal = call("query", sql), call("query", sql, wide_integers="decimal")
    assert text.rows() == decimal.rows() == call("query_arrow", sql, wide_integers="decimal") == rows
    assert pa.table(text).schema.field("Int128_0").type == pa.string()
    schema = pa.table(decimal).schema
    assert [schema.field(name).type for name in ("Int128_0", "UInt128_1")] == [pa.decimal256(39, 0)] * 2
    assert [schema.field(name).type for name in ("Int256_0", "UInt256_1")] == [pa.binary(32)] * 2
    with pytest.raises(helios.InvalidInputError, match="wide_integers must be one of text, decimal"):
        call("query", sql, wide_integers="roman")


def test_an_option_of_another_form(call: Call) -> None:
    for method, name in (("query", "times"), ("query_arrow", "quote_64bit_integers"), ("query_json", "wide_integers")):
        with pytest.raises(TypeError, match=name):
            call(method, "SELECT 1", **{name: "text"})
        with pytest.raises(TypeError, match="no_such"):
            call(method, "SELECT 1", no_such=1)


def test_the_name_of_a_query(call: Call) -> None:
    assert call("query", "SELECT 1", query_id="report-7").query_id == "report-7"
    names = {call("query", "SELECT 1").query_id for _ in range(3)}
    assert len(names) == 3
    for name in ("", "a b", "x" * 101):
        for method in ("query", "query_json", "query_bytes", "query_arrow"):
            with pytest.raises(helios.InvalidInputError, match="queryId"):
                call(method, "SELECT 1", query_id=name)
        for method in ("cancel_query", "query_progress"):
            with pytest.raises(helios.InvalidInputError, match="queryId"):
                call(method, name)


def test_a_query_that_does_not_run(call: Call) -> None:
    assert call("cancel_query", "no-such") is False
    assert call("query_progress", "no-such") is None
