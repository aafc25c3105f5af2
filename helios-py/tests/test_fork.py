"""In a fork there are no threads of Helios: an exception says so, soon, and nothing hangs."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]

CODE = """
import asyncio, helios, inspect, os, signal, sys, time, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # what Python says of forks with threads
client = helios.connect("data")
result = client.query("SELECT 1 AS one")
batches = client.query_arrow("SELECT number FROM numbers(10000000000)")
next(batches)
asynchronous = asyncio.run(helios.connect_async("data"))

def refused(call):
    began = time.monotonic()
    try:
        call()
    except helios.UnavailableError as error:
        assert "fork" in str(error), error
    else:
        raise SystemExit("no exception")
    assert time.monotonic() - began <= 1

# What is not said in its signature.
ARGUMENTS = {"schema": {"id": "UInt64"}, "outcome": "absent", "days": 1, "events": [{"id": 1}]}

def each_method(client):
    for name, method in inspect.getmembers(helios.Helios, inspect.isfunction):
        required = [
            ARGUMENTS.get(parameter.name, "x")
            for parameter in list(inspect.signature(method).parameters.values())[1:]
            if parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        ]
        # What runs in the background the client knows by itself.
        if not name.startswith("_") and name != "consumers":
            refused(lambda: getattr(client, name)(*required))

child = os.fork()
if child == 0:
    signal.alarm(15)  # Whoever hangs ends before the test does.
    CALL
    assert result.rows() == [{"one": 1}]
    EXIT
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 0, status
assert client.query("SELECT 1 AS one").rows() == [{"one": 1}]
assert len(next(batches)) > 0
"""

CALLS = {
    "query": 'refused(lambda: client.query("SELECT 1"))',
    "each method": "each_method(client)",
    "connect": 'refused(lambda: helios.connect("data"))',
    "connect to a server": 'refused(lambda: helios.connect(url="http://127.0.0.1:9"))',
    "with_credentials": 'refused(lambda: client.with_credentials("AKIA", "secret"))',
    "async query": 'refused(lambda: asyncio.run(asynchronous.query("SELECT 1")))',
    "connect_async": 'refused(lambda: asyncio.run(helios.connect_async("data")))',
    "read on": "refused(lambda: next(batches))",
    "close a result": "refused(batches.close)",
    "forget a result": "del batches",
    "forget": "del client",
    "nothing": "pass",
}


@pytest.mark.parametrize("end", ["os._exit(0)", "sys.exit(0)"])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_fork_of_a_process_with_a_client(run: Run, call: str, end: str) -> None:
    run(CODE.replace("CALL", call).replace("EXIT", end))


def test_a_fork_before_the_first_use(run: Run) -> None:
    run("""
import helios, os
child = os.fork()
client = helios.connect("child" if child == 0 else "parent")
assert client.query("SELECT 1 AS one").rows() == [{"one": 1}]
client.close()
if child:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
""")


def test_processes_that_are_spawned(run: Run) -> None:
    run("""
import helios, multiprocessing, subprocess, sys
client = helios.connect("data")
code = "import helios; assert len(helios.connect('other').query('SELECT 1')) == 1"
subprocess.run([sys.executable, "-c", code], check=True)
assert len(client.query("SELECT 1")) == 1
""")
