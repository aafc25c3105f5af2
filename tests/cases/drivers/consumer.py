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

    report = client.consume("clicks", on_progress=stop).wait()
    assert (report.ended, len(seen)) == ("stopped", 1), report
    expect(Enough, lambda: client.consume("clicks", on_progress=raises).wait())

    told = []

    def interrupt(_: helios.ConsumeProgress) -> None:
        told.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    expect(KeyboardInterrupt, lambda: client.consume("clicks", on_progress=interrupt).wait())
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

    expect(KeyboardInterrupt, lambda: client.consume("views", on_progress=interrupt).wait())
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

        report = await (await client.consume("clicks", on_progress=stop)).wait()
        assert (report.ended, threads) == ("stopped", [True]), report
        try:
            await (await client.consume("clicks", on_progress=raises)).wait()
        except Enough:
            pass
        else:
            raise SystemExit("nothing was raised")

        under_way = asyncio.Event()
        consumer = await client.consume("clicks", on_progress=lambda _: under_way.set())
        await under_way.wait()
        # Whoever waits may be cancelled; the consumer goes on.
        try:
            await asyncio.wait_for(consumer.wait(), 0.01)
        except asyncio.TimeoutError:
            pass
        else:
            raise SystemExit("it has ended")
        assert consumer.running and client.consumers() == [consumer]
        assert (await consumer.stop()).ended == "stopped"
        assert not consumer.running and client.consumers() == []
        # It is still there when the client is closed.
        left = await client.consume("clicks")
    try:
        await left.wait()
    except helios.QueryCancelledError:
        pass
    else:
        raise SystemExit("it outlived its client")


def in_the_background() -> None:
    """It runs while its caller does something else, and whoever runs the same again gets the same."""
    with helios.connect() as client:
        consumer = client.consume("clicks")
        assert client.consume("clicks") is consumer and client.consumers() == [consumer]
        expect(helios.ConflictError, lambda: client.consume("clicks", until_caught_up=True))
        expect(helios.HeliosTimeoutError, lambda: consumer.wait(0.01))
        put = client.put_events("clicks", [{"id": 2}, {"id": 3}])
        assert put.events == 2, put
        while consumer.progress.received < 2:
            assert consumer.running, consumer
        report = consumer.stop()
        assert (report.ended, report.received, consumer.stop()) == ("stopped", 2, report), report
        with client.consume("clicks") as again:
            assert again is not consumer and again.running
        assert not again.running and "ended" in repr(again)
        forgotten = client.consume("clicks")
        del forgotten
        # Closing the client ends it.


# Whoever starts this may have it ignore Ctrl-C, as a shell does with what it puts behind itself.
signal.signal(signal.SIGINT, signal.default_int_handler)
without_asyncio()
in_the_background()
with_an_engine()
asyncio.run(with_asyncio())
