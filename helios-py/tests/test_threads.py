"""Threads share a client, and none holds up the others."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

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
