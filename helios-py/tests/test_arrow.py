"""Results as Arrow, for whatever reads it."""

from __future__ import annotations

import pandas
import polars
import pyarrow as pa

import helios


def test_a_table(client: helios.Helios) -> None:
    sql = (
        "SELECT number AS n, toString(number) AS s, toDateTime(number, 'UTC') AS t, [number] AS a FROM numbers(200000)"
    )
    result = client.query(sql)
    table = pa.table(result)
    assert table.num_rows == len(result) == 200_000
    assert table.schema.names == ["n", "s", "t", "a"]
    assert table.schema.types == [
        pa.uint64(),
        pa.string(),
        pa.timestamp("s", "UTC"),
        pa.list_(pa.field("item", pa.uint64(), False)),
    ]
    assert table.schema.field("t").metadata == {b"clickhouse.type": b"DateTime('UTC')"}
    assert table.slice(199_999).to_pylist() == result.rows()[199_999:]
    table.validate(full=True)


def test_as_often_as_one_likes(client: helios.Helios) -> None:
    result = client.query("SELECT 1 AS one")
    first, second = pa.table(result), pa.table(result)
    assert first == second
    reader = pa.RecordBatchReader.from_stream(result)
    assert reader.read_all() == first


def test_a_stream_that_nobody_reads(client: helios.Helios) -> None:
    result = client.query("SELECT 1 AS one")
    capsule = result.__arrow_c_stream__()
    assert type(capsule).__name__ == "PyCapsule"
    del capsule
    reader = pa.RecordBatchReader.from_stream(result)
    del reader


def test_it_outlives_its_result(client: helios.Helios) -> None:
    reader = pa.RecordBatchReader.from_stream(client.query("SELECT number FROM numbers(100000)"))
    assert reader.read_all().num_rows == 100_000


def test_no_rows(client: helios.Helios) -> None:
    table = pa.table(client.query("SELECT 1::Int8 AS a, 'x'::LowCardinality(String) AS b WHERE 0"))
    assert table.num_rows == 0
    assert table.schema.types == [pa.int8(), pa.dictionary(pa.int32(), pa.string())]


def test_no_columns(client: helios.Helios, table: str) -> None:
    result = pa.table(client.query(f"CREATE TABLE {table} (a UInt8) ORDER BY a"))
    assert (result.num_rows, result.num_columns) == (0, 0)


def test_a_requested_schema_may_be_ignored(client: helios.Helios) -> None:
    result = client.query("SELECT 1::Int8 AS a")
    wanted = pa.schema([("a", pa.int64())]).__arrow_c_schema__()
    assert type(result.__arrow_c_stream__(wanted)).__name__ == "PyCapsule"


def test_pandas_and_polars(client: helios.Helios) -> None:
    result = client.query("SELECT number AS n, toString(number) AS s FROM numbers(3)")
    frame = pandas.DataFrame.from_arrow(result)
    assert frame["n"].tolist() == [0, 1, 2]
    assert polars.DataFrame(result).rows() == [(0, "0"), (1, "1"), (2, "2")]
