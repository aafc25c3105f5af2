"""The client for asyncio."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import helios

Run = Callable[..., "subprocess.CompletedProcess[str]"]
SLOW = "SELECT sum(sleepEachRow(1)) FROM numbers(60) SETTINGS max_block_size = 1"


def test_the_operations(data: Path) -> None:
    async def main() -> None:
        async with await helios.connect_async(data) as client:
            assert repr(client) == f"<helios.AsyncHelios of {data}>"
            result = await client.query("SELECT {a:Array(String)} AS a", {"a": ["x"]})
            assert result.rows() == [{"a": ["x"]}]
            assert "system" in await client.databases()
            with pytest.raises(helios.NotFoundError, match="absent"):
                await client.query("SELECT * FROM absent")
            other = client.with_credentials("AKIA", "secret")
            await client.close()
            assert (await other.query("SELECT 1 AS one")).rows() == [{"one": 1}]
            await other.close()
        assert client.closed
        assert repr(client) == "<helios.AsyncHelios closed>"
        for call in (client.query("SELECT 1"), client.databases(), client.sources(), client.authenticate()):
            with pytest.raises(helios.InvalidInputError, match="the client is closed"):
                await call

    asyncio.run(main())


def test_tasks_share_a_client(data: Path) -> None:
    async def main() -> None:
        async with await helios.connect_async(data) as client:
            results = await asyncio.gather(*(client.query("SELECT {n:UInt8} AS n", {"n": n}) for n in range(100)))
            assert [result.rows() for result in results] == [[{"n": n}] for n in range(100)]

    asyncio.run(main())


async def under_way(client: helios.AsyncHelios, text: str) -> bool:
    sql = "SELECT 1 FROM system.processes WHERE startsWith(query, {text:String})"
    return len(await client.query(sql, {"text": text})) > 0


def test_cancelling_a_task_cancels_its_query(data: Path) -> None:
    async def main() -> None:
        async with await helios.connect_async(data) as client:
            sql = f"/* cancelled */ {SLOW}"
            task = asyncio.create_task(client.query(sql))
            while not await under_way(client, "/* cancelled */"):
                assert not task.done()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            limit = time.monotonic() + 10
            while await under_way(client, "/* cancelled */"):
                assert time.monotonic() < limit
            assert (await client.query("SELECT 1 AS one")).rows() == [{"one": 1}]

    asyncio.run(main())


def test_a_time_limit_of_asyncio(data: Path) -> None:
    async def main() -> None:
        async with await helios.connect_async(data) as client:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.query(SLOW), 0.2)

    asyncio.run(main())


def test_the_loop_goes_on_while_a_query_waits(data: Path) -> None:
    async def main() -> None:
        async with await helios.connect_async(data) as client:
            task = asyncio.create_task(client.query("SELECT sleep(0.5) AS s"))
            turns = 0
            while not task.done():
                await asyncio.sleep(0)
                turns += 1
            assert (await task).rows() == [{"s": 0}]
            assert turns > 10

    asyncio.run(main())


def test_closing_ends_the_queries_under_way(data: Path) -> None:
    async def main() -> None:
        async with await helios.connect_async(data) as watcher:
            client = await helios.connect_async(data)
            task = asyncio.create_task(client.query(f"/* closed */ {SLOW}"))
            while not await under_way(watcher, "/* closed */"):
                assert not task.done()
            await client.close()
            with pytest.raises(helios.QueryCancelledError):
                await task

    asyncio.run(main())


def test_several_loops_one_after_the_other(data: Path) -> None:
    client = asyncio.run(helios.connect_async(data))
    for _ in range(3):
        assert len(asyncio.run(client.query("SELECT 1"))) == 1
    asyncio.run(client.close())


def test_what_cannot_be_opened(tmp_path: Path, client: helios.Helios) -> None:
    with pytest.raises(helios.EngineUnavailableError):
        asyncio.run(helios.connect_async(tmp_path))
    with pytest.raises(helios.ConfigError, match="did you mean"):
        asyncio.run(helios.connect_async(no_such="x"))


def test_a_loop_that_ends_with_a_query_under_way(run: Run) -> None:
    process = run("""
import asyncio, helios
async def main():
    client = await helios.connect_async("data")
    asyncio.create_task(client.query("SELECT sum(sleepEachRow(1)) FROM numbers(60) SETTINGS max_block_size = 1"))
    while not await client.query("SELECT 1 FROM system.processes WHERE query LIKE '%sleepEachRow%' AND query NOT LIKE '%processes%'"):
        pass
asyncio.run(main())
""")
    assert process.stderr == ""


def test_the_twins_have_the_same_methods_and_arguments() -> None:
    import inspect

    def public(kind: type) -> dict[str, inspect.Signature]:
        members = inspect.getmembers(kind, inspect.isfunction)
        return {name: inspect.signature(member) for name, member in members if not name.startswith("_")}

    def shape(signature: inspect.Signature) -> list[object]:
        # One takes iterables that the other cannot.
        return [
            (parameter.name, parameter.kind, parameter.default, parameter.name == "events" or parameter.annotation)
            for parameter in signature.parameters.values()
        ]

    twins = (public(helios.Helios), public(helios.AsyncHelios))
    assert twins[0].keys() == twins[1].keys()
    for name, signature in twins[0].items():
        assert shape(signature) == shape(twins[1][name]), name
    connect = [inspect.signature(function).parameters for function in (helios.connect, helios.connect_async)]
    assert connect[0] == connect[1]
