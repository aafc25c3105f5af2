"""Ctrl-C ends a blocking call soon, and what it asked of the engine."""

from __future__ import annotations

import subprocess
import textwrap
from collections.abc import Callable

import pytest
from account import Account

Run = Callable[..., "subprocess.CompletedProcess[str]"]

# What follows says what the call is, how to wait until it waits, and until nothing is left of it.
PRELUDE = """
import asyncio, helios, os, signal, threading, time

sent = []

def interrupt():
    wait_until_it_waits()
    sent.append(time.monotonic())
    os.kill(os.getpid(), signal.SIGINT)

def interrupted():
    threading.Thread(target=interrupt).start()
    try:
        call()
    except KeyboardInterrupt:
        took = time.monotonic() - sent[-1]
    else:
        raise SystemExit("no KeyboardInterrupt")
    wait_until_it_is_gone()
    return took

def check():
    # There are 0.1 s between two looks at the signals. A machine that is busy may hold up one of three, for a while.
    took = [interrupted()]
    while took[-1] > 0.2:
        assert took[-1] < 1 and len(took) < 3, took
        took.append(interrupted())
"""

QUERY = """
SLOW = "SELECT sum(sleepEachRow(1)) FROM numbers(60) SETTINGS max_block_size = 1"
# The first million come at once, the others never.
ROWS = "SELECT number FROM numbers(1000000000000) WHERE number < 1000000 OR sipHash64(number) = 1 SETTINGS max_threads = 1"
# What is read waits for its next row, which never comes. AND binds closer than OR: of the slow ones nothing is asked.
WAITING = "read_rows > 100000000"
RUNNING = "SELECT 1 FROM system.processes WHERE startsWith(query, {slow:String}) OR startsWith(query, {rows:String})"
client = helios.connect("data")
watcher = helios.connect("data")

def running(beside=""):
    texts = {"slow": SLOW.split(" SETTINGS")[0], "rows": ROWS.split(" SETTINGS")[0]}
    return len(watcher.query(RUNNING + beside, texts)) > 0

def wait_until_it_waits():
    # Between two reads Ctrl-C is the program's, and the result as good as before.
    while not running(" AND " + WAITING):
        pass

def wait_until_it_is_gone():
    limit = time.monotonic() + 10
    while running():
        assert time.monotonic() < limit, "the query goes on"

def call():
    global stream  # Nobody lets go of it.
CALL

check()
assert watcher.query("SELECT 1 AS one").rows() == [{"one": 1}]
"""

ASYNC = """
async def main():
    async with await helios.connect_async("data") as client:
        await client.query(SLOW)
asyncio.run(main())
"""


PYARROW = """
import pyarrow
try:
    pyarrow.RecordBatchReader.from_stream(client.query_arrow(ROWS)).read_all()
except OSError as error:
    # All that can be said through C; what was meant follows at once.
    for _ in range(2):
        pass
"""

QUERIES = {
    "query": "client.query(SLOW)",
    "query_json": "client.query_json(SLOW)",
    "query_bytes": "list(client.query_bytes(SLOW))",
    "query_arrow": "stream = client.query_arrow(SLOW); list(stream)",
    "a read": "stream = client.query_arrow(ROWS); list(stream)",
    "a read of bytes": "stream = client.query_bytes(ROWS); list(stream)",
    "a read by pyarrow": PYARROW,
    "async": ASYNC,
}


@pytest.mark.parametrize("call", QUERIES.values(), ids=QUERIES)
def test_ctrl_c_ends_a_query(run: Run, call: str) -> None:
    run(PRELUDE + QUERY.replace("CALL", textwrap.indent(call.strip(), "    ")))


STREAM = """
client = helios.connect("data", **SETTINGS)
begun = threading.Event()

def wait_until_it_waits():
    # It says how far it is, and goes on.
    begun.wait()

def wait_until_it_is_gone():
    begun.clear()

def begins(so_far):
    begun.set()

def sample(client):
    return client.sample("empty", time_limit=60, on_progress=begins)

def consume(client):
    return client.consume("clicks", on_progress=begins).wait()

async def main():
    async with await helios.connect_async("data", **SETTINGS) as other:
        await a_CALL(other)

async def a_sample(client):
    return await sample(client)

async def a_consume(client):
    async with await client.consume("clicks", on_progress=begins) as consumer:
        await consumer.wait()

def call():
    CALLED

client.create_table("clicks", "clicks", {"id": "UInt64"}, delivery="consumer", start_position="oldest")
check()
# Nothing of it is in the way of what follows.
assert client.sample("clicks", position="oldest").events_read == 3
client.consume("clicks", until_caught_up=True).wait()
client.delivery_report("clicks").check()
assert client.query("SELECT id FROM clicks ORDER BY id").rows() == [{"id": 1}, {"id": 2}, {"id": 3}]
"""


@pytest.mark.parametrize("called", ["CALL(client)", "asyncio.run(main())"], ids=["sync", "async"])
@pytest.mark.parametrize("call", ["sample", "consume"])
def test_ctrl_c_ends_what_waits_for_a_stream(run: Run, account: Account, call: str, called: str) -> None:
    account.create_stream("empty")
    account.create_stream("clicks", {"id": 1}, {"id": 2}, {"id": 3})
    code = STREAM.replace("CALLED", called).replace("CALL", call).replace("SETTINGS", repr(account.settings))
    run(PRELUDE + code)


def test_the_handler_of_a_signal_runs_during_a_call(run: Run) -> None:
    run("""
import helios, signal
class Enough(Exception):
    pass
def handler(number, frame):
    raise Enough
signal.signal(signal.SIGALRM, handler)
client = helios.connect("data")
signal.setitimer(signal.ITIMER_REAL, 0.2)
try:
    client.query("SELECT sum(sleepEachRow(1)) FROM numbers(60) SETTINGS max_block_size = 1")
except Enough:
    pass
else:
    raise SystemExit("the handler did not run")
""")
