"""Ctrl-C ends a blocking call soon, and what it asked of the engine."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]

CODE = """
import asyncio, helios, os, signal, sys, threading, time

SLOW = "SELECT sum(sleepEachRow(1)) FROM numbers(60) SETTINGS max_block_size = 1"
# The first million come at once, the others never.
ROWS = "SELECT number FROM numbers(1000000000000) WHERE number < 1000000 OR sipHash64(number) = 1 SETTINGS max_threads = 1"
# What is read waits for its next row, which never comes. AND binds closer than OR: of the slow ones nothing is asked.
WAITING = "read_rows > 100000000"
RUNNING = "SELECT 1 FROM system.processes WHERE startsWith(query, {slow:String}) OR startsWith(query, {rows:String})"
helios.connect("data")  # the engine of all that follows
watcher = helios.connect("data")
sent = []

def running(beside=""):
    texts = {"slow": SLOW.split(" SETTINGS")[0], "rows": ROWS.split(" SETTINGS")[0]}
    return len(watcher.query(RUNNING + beside, texts)) > 0

def interrupt():
    # Between two reads Ctrl-C is the program's, and the result as good as before.
    while not running(" AND " + WAITING):
        pass
    sent.append(time.monotonic())
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=interrupt).start()
try:
    CALL
except KeyboardInterrupt:
    took = time.monotonic() - sent[0]
else:
    raise SystemExit("no KeyboardInterrupt")
# 0.1 s between two looks at the signals; the rest is for a machine that is busy.
assert took < 1, took
limit = time.monotonic() + 10
while running():
    assert time.monotonic() < limit, "the query goes on"
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
        pyarrow.RecordBatchReader.from_stream(helios.connect("data").query_arrow(ROWS)).read_all()
    except OSError as error:
        # All that can be said through C; what was meant follows at once.
        for _ in range(2):
            pass
"""

CALLS = {
    "query": 'helios.connect("data").query(SLOW)',
    "query_json": 'helios.connect("data").query_json(SLOW)',
    "query_bytes": 'list(helios.connect("data").query_bytes(SLOW))',
    "query_arrow": 'stream = helios.connect("data").query_arrow(SLOW); list(stream)',
    "a read": 'stream = helios.connect("data").query_arrow(ROWS); list(stream)',
    "a read by pyarrow": PYARROW,
    "async": ASYNC,
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_ctrl_c_ends_a_query(run: Run, call: str) -> None:
    run(CODE.replace("CALL", call.strip()).replace('helios.connect("data")  #', 'keep = helios.connect("data")  #'))


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
