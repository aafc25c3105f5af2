"""Results that are read piece by piece: in constant memory, whole or an exception, and cancelled when nobody reads on."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas
import polars
import pyarrow as pa
import pytest

import helios

Run = Callable[..., "subprocess.CompletedProcess[str]"]
LONG = "SELECT number, toString(number) AS s FROM numbers(10000000000)"
LATE = "SELECT throwIf(number = 3000000, 'late') AS t FROM numbers(4000000)"
METHODS = ["query_bytes", "query_arrow"]


@pytest.fixture
def name() -> str:
    """The name of a query."""
    return f"q-{uuid.uuid4().hex}"


def is_gone(client: helios.Helios, name: str) -> None:
    """Waits until the engine has no such query."""
    limit = time.monotonic() + 10
    while client.query_progress(name) is not None:
        assert time.monotonic() < limit, "the query goes on"


def test_batches(client: helios.Helios) -> None:
    with client.query_arrow("SELECT number AS n, toDateTime(0, 'UTC') AS t FROM numbers(200000)") as batches:
        assert [(column.name, column.type) for column in batches.columns] == [("n", "UInt64"), ("t", "DateTime('UTC')")]
        schema = pa.schema(batches)
        assert schema.types == [pa.uint64(), pa.timestamp("s", "UTC")]
        assert schema.field("t").metadata == {b"clickhouse.type": b"DateTime('UTC')"}
        first = next(batches)
        assert len(first) == len(first.rows()) < 200_000
        assert first.columns == batches.columns
        assert first.rows()[1]["n"] == 1
        arrow = pa.record_batch(first)
        arrow.validate(full=True)
        assert arrow.schema == schema
        assert arrow.to_pylist() == first.rows() == list(first)
        assert polars.DataFrame(first).height == len(first)
        assert len(pandas.DataFrame.from_arrow(first)) == len(first)
        rest = [row["n"] for batch in batches for row in batch]
        assert rest == list(range(len(first), 200_000))
        assert list(batches) == []
        assert repr(batches) == f"<helios.QueryBatches of {batches.query_id}>"


def test_no_rows(client: helios.Helios) -> None:
    batches = client.query_arrow("SELECT 1::Int8 AS a WHERE 0")
    assert [column.type for column in batches.columns] == ["Int8"]
    assert list(batches) == []
    table = pa.table(client.query_arrow("SELECT 1::Int8 AS a WHERE 0"))
    assert (table.num_rows, table.schema.types) == (0, [pa.int8()])
    assert b"".join(client.query_bytes("SELECT 1 AS a WHERE 0", format="csv")) == b'"a"\n'


def test_a_stream_of_arrow_is_handed_over_once(client: helios.Helios) -> None:
    batches = client.query_arrow("SELECT number FROM numbers(300000)")
    read = len(next(batches))
    reader = pa.RecordBatchReader.from_stream(batches)
    with pytest.raises(helios.InvalidInputError, match="handed over"):
        next(batches)
    with pytest.raises(helios.InvalidInputError, match="handed over"):
        pa.table(batches)
    del batches
    gc.collect()
    assert reader.read_all().num_rows == 300_000 - read


def test_a_stream_of_arrow_has_no_end_after_an_error(client: helios.Helios) -> None:
    reader = pa.RecordBatchReader.from_stream(client.query_arrow(LATE))
    for _ in range(2):
        with pytest.raises(OSError, match="late"):
            while True:
                reader.read_next_batch()


def test_a_stream_of_arrow_that_is_let_go_of(client: helios.Helios, name: str) -> None:
    batches = client.query_arrow(LONG, query_id=name)
    reader = pa.RecordBatchReader.from_stream(batches)
    reader.read_next_batch()
    assert client.query_progress(name)
    reader.close()
    del reader
    is_gone(client, name)


@pytest.mark.parametrize("method", METHODS)
def test_an_error_after_the_first_piece(client: helios.Helios, data: Path, method: str) -> None:
    pieces = getattr(client, method)(LATE)
    next(pieces)
    with pytest.raises(helios.InvalidQueryError, match="late") as caught:
        list(pieces)
    assert caught.value.server_code == 395
    # Not whole, however often one asks.
    for _ in range(2):
        with pytest.raises(helios.QueryCancelledError, match="before its end"):
            next(pieces)
    pieces.close()

    async def main() -> None:
        async with await helios.connect_async(data) as other, await getattr(other, method)(LATE) as pieces:
            await anext(pieces)
            with pytest.raises(helios.InvalidQueryError, match="late"):
                [piece async for piece in pieces]
            with pytest.raises(helios.QueryCancelledError, match="before its end"):
                await anext(pieces)

    asyncio.run(main())


@pytest.mark.parametrize("method", METHODS)
def test_an_error_before_the_first_piece(client: helios.Helios, method: str) -> None:
    with pytest.raises(helios.NotFoundError):
        getattr(client, method)("SELECT * FROM absent")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("how", ["close", "with", "del"])
def test_reading_that_stops_early_cancels(client: helios.Helios, name: str, method: str, how: str) -> None:
    pieces = getattr(client, method)(LONG, query_id=name)
    assert pieces.query_id == name
    if how == "with":
        with pieces:
            next(pieces)
            assert client.query_progress(name)
    else:
        next(pieces)
        assert client.query_progress(name)
    if how == "del":
        del pieces
        gc.collect()
    else:
        pieces.close()
        for _ in range(2):
            with pytest.raises(helios.QueryCancelledError, match="closed before its end"):
                next(pieces)
    is_gone(client, name)


@pytest.mark.parametrize("method", METHODS)
def test_reading_that_stops_early_cancels_in_asyncio(client: helios.Helios, data: Path, name: str, method: str) -> None:
    async def main() -> None:
        async with await helios.connect_async(data) as other:
            async with await getattr(other, method)(LONG, query_id=name) as pieces:
                async for _ in pieces:
                    assert await other.query_progress(name)
                    break
            with pytest.raises(helios.QueryCancelledError, match="closed before its end"):
                await anext(pieces)
            is_gone(client, name)

    asyncio.run(main())


def test_cancelling_a_task_that_reads_cancels(client: helios.Helios, data: Path, name: str) -> None:
    # The first million rows come at once, the others never.
    sql = "SELECT number FROM numbers(1000000000000) WHERE number < 1000000 OR sipHash64(number) = 1 SETTINGS max_threads = 1"

    async def main() -> None:
        async with await helios.connect_async(data) as other:
            pieces = await other.query_arrow(sql, query_id=name)

            rows = 0

            async def read() -> None:
                nonlocal rows
                async for batch in pieces:
                    rows += len(batch)

            task = asyncio.create_task(read())
            while rows < 900_000:
                await asyncio.sleep(0)
                assert not task.done()
            assert await other.query_progress(name)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            # With the stream still at hand.
            is_gone(client, name)
            with pytest.raises(helios.QueryCancelledError, match="given up"):
                await anext(pieces)

    asyncio.run(main())


@pytest.mark.parametrize("method", METHODS)
def test_the_end_of_a_client_is_that_of_its_results(client: helios.Helios, data: Path, name: str, method: str) -> None:
    with helios.connect(data) as other:
        pieces = getattr(other, method)(LONG, query_id=name)
        next(pieces)
        short = getattr(other, method)("SELECT 1")
        next(short)
        assert next(short, None) is None
    for _ in range(2):
        with pytest.raises(helios.QueryCancelledError, match="the client was closed"):
            next(pieces)
    assert next(short, None) is None
    is_gone(client, name)


@pytest.mark.parametrize("method", METHODS)
def test_a_client_that_nobody_closes_is_there_for_its_results(client: helios.Helios, data: Path, method: str) -> None:
    pieces = getattr(helios.connect(data), method)("SELECT number FROM numbers(1000000)")
    gc.collect()
    assert len(list(pieces)) > 1
    if method == "query_arrow":
        reader = pa.RecordBatchReader.from_stream(
            helios.connect(data).query_arrow("SELECT number FROM numbers(1000000)")
        )
        gc.collect()
        assert reader.read_all().num_rows == 1_000_000


@pytest.mark.parametrize("method", ["query", "query_json", *METHODS])
def test_cancelled_by_its_name(client: helios.Helios, data: Path, name: str, method: str) -> None:
    watcher = helios.connect(data)
    found = []

    def cancel(so_far: helios.QueryProgress) -> None:
        assert so_far.query_id == name
        assert so_far.elapsed_seconds > 0
        progress = watcher.query_progress(name)
        assert progress
        assert progress.to_dict().keys() == {
            "queryId",
            "readRows",
            "readBytes",
            "totalRows",
            "elapsedSeconds",
            "memoryUsage",
        }
        found.append(watcher.cancel_query(name))

    sql = "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1"
    with pytest.raises(helios.QueryCancelledError):
        list(getattr(client, method)(sql, query_id=name, on_progress=cancel))
    assert found[0] is True
    is_gone(client, name)
    watcher.close()


COUNTS = "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1"


# A result that has no end is not read whole.
STOPPED = [("query", COUNTS), ("query_json", COUNTS), *((method, sql) for method in METHODS for sql in (COUNTS, LONG))]


@pytest.mark.parametrize(("method", "sql"), STOPPED)
def test_progress_that_says_stop(client: helios.Helios, data: Path, name: str, method: str, sql: str) -> None:
    seen: list[helios.QueryProgress] = []

    def stop(so_far: helios.QueryProgress) -> bool:
        seen.append(so_far)
        return len(seen) < 2

    with pytest.raises(helios.QueryCancelledError):
        for _ in getattr(client, method)(sql, query_id=name, on_progress=stop):
            pass
    assert len(seen) == 2
    assert seen[0].read_rows <= seen[1].read_rows
    is_gone(client, name)

    def fail(so_far: helios.QueryProgress) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        for _ in getattr(client, method)(sql, query_id=name, on_progress=fail):
            pass
    is_gone(client, name)

    async def main(call: Callable[[helios.QueryProgress], Any], error: type[Exception]) -> None:
        async with await helios.connect_async(data) as other:
            with pytest.raises(error):
                pieces = await getattr(other, method)(sql, query_id=name, on_progress=call)
                async for _ in pieces:
                    pass
            is_gone(client, name)

    seen.clear()
    asyncio.run(main(stop, helios.QueryCancelledError))
    asyncio.run(main(fail, ZeroDivisionError))


def test_progress_that_goes_on(client: helios.Helios) -> None:
    sql = "SELECT sum(sleepEachRow(0.1)) AS s FROM numbers(8) SETTINGS max_block_size = 1"
    seen: list[int] = []
    result = client.query(sql, on_progress=lambda so_far: seen.append(so_far.read_rows))
    assert result.rows() == [{"s": 0}]
    assert seen == sorted(seen) != []


MEMORY = """
import helios
from pathlib import Path
client = helios.connect("data")
SQL = "SELECT number, concat('row ', toString(number)) AS s FROM numbers(5000000)"
def peak():
    # Of this program alone: what getrusage says begins with the peak of the one that started it.
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
# What the engine takes by itself, once.
READ(client, SQL + " LIMIT 1000000")
before = peak()
READ(client, SQL)
grown = peak() - before
assert LIMIT, f"{grown:.0f} MiB"
"""
READERS = {
    "bytes": "lambda client, sql: sum(len(chunk) for chunk in client.query_bytes(sql))",
    "batches": "lambda client, sql: sum(len(batch) for batch in client.query_arrow(sql))",
    "arrow": "lambda client, sql: sum(len(b) for b in __import__('pyarrow').RecordBatchReader.from_stream(client.query_arrow(sql)))",
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_memory_stays_flat(run: Run, read: str) -> None:
    run(MEMORY.replace("READ(", f"({read})(").replace("LIMIT, ", "grown < 64, "), timeout=120)


def test_memory_of_a_whole_result_does_not(run: Run) -> None:
    # 5 million rows are 135 MB as Arrow: what the test above would see.
    run(
        MEMORY.replace("READ(", "(lambda client, sql: len(client.query(sql)))(").replace("LIMIT, ", "grown > 64, "),
        timeout=120,
    )


def test_a_name_that_arrow_s_c_interface_cannot_carry(client: helios.Helios) -> None:
    sql = "SELECT 1 AS `a\\0b`"
    for hand_on in ("__arrow_c_stream__", "__arrow_c_schema__"):
        with client.query_arrow(sql) as batches, pytest.raises(helios.InvalidQueryError, match="holds a NUL"):
            getattr(batches, hand_on)()
    with pytest.raises(helios.InvalidQueryError, match="holds a NUL"):
        client.query(sql).__arrow_c_stream__()
    with client.query_arrow(sql) as batches:
        assert [batch.rows() for batch in batches] == [[{"a\0b": 1}]]
