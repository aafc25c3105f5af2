"""Consumers that run in the background, to their end and past that of their program."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from account import Account

import helios

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def clicks(data: Path, account: Account, table: str) -> Iterator[helios.Helios]:
    """A client whose stream `clicks` fills a table, and has three events."""
    account.create_stream("clicks", {"id": 1}, {"id": 2}, {"id": 3})
    with helios.connect(data, **account.settings) as client:
        client.create_table("clicks", table, {"id": "UInt64"}, delivery="consumer", start_position="oldest")
        yield client


class Enough(Exception):
    """What a caller's own function raises."""


def test_what_it_shows(clicks: helios.Helios) -> None:
    consumer = clicks.consume("clicks", until_caught_up=True)
    report = consumer.wait()
    assert (consumer.stream, consumer.running, consumer.stopped) == ("clicks", False, False)
    assert consumer.progress.delivered == report.delivered == 3
    assert repr(consumer) == "<helios.Consumer of clicks, ended: 3 events received, 3 delivered, 0 in quarantine>"
    assert "Consumer of clicks, ended" in consumer._repr_html_()
    # As often as one likes.
    assert consumer.wait() == consumer.stop() == report


def test_what_its_function_raises_whoever_waits_gets(clicks: helios.Helios, caplog: pytest.LogCaptureFixture) -> None:
    def enough(_: helios.ConsumeProgress) -> None:
        raise Enough

    consumer = clicks.consume("clicks", on_progress=enough)
    for _ in range(2):
        with pytest.raises(Enough):
            consumer.wait()
    assert not consumer.running
    # If nobody does, it is at least in the log.
    record = next(record for record in caplog.records if record.name == "helios.consumer")
    assert (record.levelname, record.getMessage().startswith("A consumer has ended with an error. stream=")) == (
        "WARNING",
        True,
    )
    # An error in its block is not hidden behind that.
    with pytest.raises(ZeroDivisionError), clicks.consume("clicks", on_progress=enough):
        raise ZeroDivisionError


def test_one_that_was_stopped_is_not_the_one_that_runs(clicks: helios.Helios) -> None:
    first = clicks.consume("clicks")
    first._stop()
    second = clicks.consume("clicks")
    assert second is not first
    assert (first.wait().ended, second.stop().ended) == ("stopped", "stopped")
    with clicks.consume("clicks", time_limit=0.1) as limited:
        assert limited.wait(30).ended == "timeLimit"


def test_the_end_of_its_client_is_its_own(clicks: helios.Helios) -> None:
    consumer = clicks.consume("clicks")
    clicks.close()
    assert not consumer.running
    with pytest.raises(helios.QueryCancelledError, match="closed"):
        consumer.wait()
    with pytest.raises(helios.InvalidInputError, match="closed"):
        clicks.consume("clicks")


def test_a_program_that_ends_while_its_function_waits_ends(run: Run, account: Account) -> None:
    account.create_stream("clicks", {"id": 1})
    process = run(f"""
import helios, threading
client = helios.connect("data", **{account.settings!r})
client.create_table("clicks", "clicks", {{"id": "UInt64"}}, delivery="consumer", start_position="oldest")
waits = threading.Event()
def slow(so_far):
    waits.set()
    client.query("SELECT sum(sleepEachRow(1)) FROM numbers(60) SETTINGS max_block_size = 1")
client.consume("clicks", on_progress=slow)
waits.wait()
""")
    assert process.stderr == ""


@pytest.mark.parametrize("end", ["", "raise SystemExit(0)", "del client, consumer", "os._exit(0)"], ids=str)
def test_a_program_that_ends_meanwhile_ends(run: Run, account: Account, end: str) -> None:
    account.create_stream("clicks", {"id": 1})
    process = run(f"""
import helios, os
client = helios.connect("data", **{account.settings!r})
client.create_table("clicks", "clicks", {{"id": "UInt64"}}, delivery="consumer", start_position="oldest")
consumer = client.consume("clicks", on_progress=lambda so_far: True)
while consumer.progress.received == 0:
    assert consumer.running
{end}
""")
    assert process.stderr == ""


def test_the_next_one_goes_on_where_a_process_has_died(run: Run, account: Account) -> None:
    account.create_stream("clicks", *({"id": number} for number in range(1_000)))
    code = f"""
import helios, os
client = helios.connect("data", **{account.settings!r})
client.create_table("clicks", "clicks", {{"id": "UInt64"}}, delivery="consumer", start_position="oldest")
"""
    run(code + "client.consume('clicks', on_progress=lambda so_far: os._exit(0)).wait()")
    process = run(
        code
        + """
client.consume("clicks", until_caught_up=True).wait()
client.delivery_report("clicks").check()
print(client.query("SELECT count() AS n, uniqExact(id) AS different FROM clicks").rows())
"""
    )
    assert process.stdout == "[{'n': 1000, 'different': 1000}]\n"
