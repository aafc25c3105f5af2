"""Threads share a client, and none holds up the others."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from account import Account

import helios


def test_threads_share_a_client(client: helios.Helios) -> None:
    def query(number: int) -> int:
        (row,) = client.query("SELECT sum(number) + {n:UInt32} AS n FROM numbers(1000)", {"n": number})
        value: int = row["n"]
        return value

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(query, range(200))) == [499_500 + number for number in range(200)]


def test_python_goes_on_while_a_query_waits(client: helios.Helios) -> None:
    """The query ends when another thread ends it: a thread that would not get the interpreter, could not."""
    tag = "waits-for-another-thread"
    sql = f"SELECT sum(sleepEachRow(1)) FROM numbers(60) SETTINGS max_block_size = 1, log_comment = '{tag}'"
    ended = threading.Event()
    raised: list[Exception] = []

    def query() -> None:
        try:
            client.query(f"/* {tag} */ {sql}")
        except helios.HeliosError as error:
            raised.append(error)
        ended.set()

    waiting = threading.Thread(target=query)
    waiting.start()
    running = f"query LIKE '/* {tag}%'"
    while not client.query(f"SELECT 1 FROM system.processes WHERE {running}"):
        assert not ended.is_set()
    counted = 0
    while client.query(f"SELECT 1 FROM system.processes WHERE {running}"):
        client.query(f"KILL QUERY WHERE {running} SYNC")
        counted += 1
    assert ended.wait(30)
    waiting.join()
    assert counted
    (error,) = raised
    assert isinstance(error, helios.QueryCancelledError)


@pytest.mark.parametrize("method", ["query_arrow", "query_bytes"])
def test_python_goes_on_while_a_read_waits(client: helios.Helios, method: str) -> None:
    """It ends when another thread ends its query."""
    # The first million come at once, the others never.
    sql = "SELECT number FROM numbers(1000000000000) WHERE number < 1000000 OR sipHash64(number) = 1"
    query_id = f"read-{uuid.uuid4().hex}"
    result = getattr(client, method)(f"{sql} SETTINGS max_threads = 1", query_id=query_id)
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(list, result)
        while (progress := client.query_progress(query_id)) is None or progress.read_rows < 100_000_000:
            assert not read.done()
        assert client.cancel_query(query_id)
        with pytest.raises(helios.QueryCancelledError):
            read.result()


def test_python_goes_on_while_a_sample_waits(account: Account, data: Path) -> None:
    """It ends with the event that another thread puts, or else after a minute."""
    account.create_stream("empty")
    begun = threading.Event()
    with helios.connect(data, **account.settings) as client, ThreadPoolExecutor(1) as pool:
        sample = pool.submit(
            client.sample, "empty", max_events=1, time_limit=60, on_progress=lambda so_far: begun.set()
        )
        assert begun.wait(30)
        account.put_events("empty", [{"id": 1}])
        assert sample.result().ended_by == "max_events"


def test_python_goes_on_while_a_consumer_waits(account: Account, data: Path, table: str) -> None:
    """It ends when it has the event that another thread puts, or else after a minute."""
    account.create_stream("empty")
    begun = threading.Event()

    def goes_on(so_far: helios.ConsumeProgress) -> bool:
        begun.set()
        return so_far.delivered == 0

    with helios.connect(data, **account.settings) as client, ThreadPoolExecutor(1) as pool:
        client.create_table("empty", table, {"id": "UInt8"}, delivery="consumer", start_position="oldest")
        consumed = pool.submit(client.consume("empty", time_limit=60, on_progress=goes_on).wait)
        assert begun.wait(30)
        account.put_events("empty", [{"id": 1}])
        assert (consumed.result().ended, consumed.result().delivered) == ("stopped", 1)
        assert client.query(f"SELECT id FROM {table}").rows() == [{"id": 1}]
