"""A consumer that somebody stops, with and without asyncio: `python consumer.py`, where the stream `clicks` has a source
and `views` has none.

It ends with 0 if all is as it should be.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable

import helios


class Enough(Exception):
    """What a caller's own function raises."""


def raises(_: helios.ConsumeProgress) -> None:
    raise Enough


def expect(error: type[BaseException], call: Callable[[], object]) -> None:
    try:
        call()
    except error:
        return
    raise SystemExit(f"no {error.__name__}")


def without_asyncio() -> None:
    client = helios.connect()
    seen = []

    def stop(so_far: helios.ConsumeProgress) -> bool:
        # Helios may be used from here.
        client.query("SELECT 1")
        seen.append(so_far.received)
        return False

    report = client.consume("clicks", until_caught_up=False, on_progress=stop)
    assert (report.ended, len(seen)) == ("stopped", 1), report
    expect(Enough, lambda: client.consume("clicks", until_caught_up=False, on_progress=raises))

    told = []

    def interrupt(_: helios.ConsumeProgress) -> None:
        told.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    expect(KeyboardInterrupt, lambda: client.consume("clicks", until_caught_up=False, on_progress=interrupt))
    # 0.1 s between two looks at the signals; the rest is for a machine that is busy.
    took = time.monotonic() - told[0]
    assert took < 1, took
    client.close()


def with_an_engine() -> None:
    """Once the client of a consumer that was interrupted is closed, another folder can be opened."""
    client = helios.connect("first")
    client.create_table("views", "views", {"id": "UInt64"}, delivery="consumer", start_position="oldest")

    def interrupt(_: helios.ConsumeProgress) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    expect(KeyboardInterrupt, lambda: client.consume("views", until_caught_up=False, on_progress=interrupt))
    client.close()
    with helios.connect("second") as other:
        assert "views" not in other.databases()["default"]


async def with_asyncio() -> None:
    async with await helios.connect_async() as client:
        threads = []
        loop = asyncio.get_running_loop()

        def stop(_: helios.ConsumeProgress) -> bool:
            threads.append(asyncio.get_running_loop() is loop)
            return False

        report = await client.consume("clicks", until_caught_up=False, on_progress=stop)
        assert (report.ended, threads) == ("stopped", [True]), report
        try:
            await client.consume("clicks", until_caught_up=False, on_progress=raises)
        except Enough:
            pass
        else:
            raise SystemExit("nothing was raised")

        under_way = asyncio.Event()
        on_progress = lambda _: under_way.set()
        task = asyncio.create_task(client.consume("clicks", until_caught_up=False, on_progress=on_progress))
        await under_way.wait()
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            pass
        else:
            raise SystemExit("it was not cancelled")


# Whoever starts this may have it ignore Ctrl-C, as a shell does with what it puts behind itself.
signal.signal(signal.SIGINT, signal.default_int_handler)
without_asyncio()
with_an_engine()
asyncio.run(with_asyncio())
