"""What Helios logs, in Python's `logging`."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def test_nothing_below_a_warning_is_written_unless_asked_for(run: Run) -> None:
    process = run("import helios, sys; helios.connect('data').query('SELECT 1'); print('logging' in sys.modules)")
    assert (process.stdout, process.stderr) == ("False\n", "")


def test_records_have_a_logger_a_level_and_a_text(run: Run) -> None:
    process = run("""
import logging, helios
logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
logging.getLogger("helios").setLevel(logging.DEBUG)
helios.connect("data")
print("connected", flush=True)
""")
    started = [line for line in process.stderr.splitlines() if "Started the embedded ClickHouse" in line]
    assert len(started) == 1, process.stderr
    assert started[0].startswith("DEBUG helios.embedded.engine Started the embedded ClickHouse. path=/"), started
    # Nothing of the libraries below: what they log holds what they send.
    assert all(line.split()[1].startswith("helios.") for line in process.stderr.splitlines())


def test_they_are_there_when_the_operation_returns(run: Run) -> None:
    run("""
import logging, helios
class Kept(logging.Handler):
    def __init__(self):
        super().__init__()
        self.names = []
    def emit(self, record):
        self.names.append(record.name)
kept = Kept()
logging.getLogger("helios").addHandler(kept)
logging.getLogger("helios").setLevel("DEBUG")
helios.connect("data")
assert "helios.embedded.engine" in kept.names, kept.names
""")


def test_with_asyncio_too(run: Run) -> None:
    run("""
import asyncio, logging, helios
names = []
class Kept(logging.Handler):
    def emit(self, record):
        names.append(record.name)
logging.getLogger("helios").addHandler(Kept())
logging.getLogger("helios").setLevel("DEBUG")
asyncio.run(helios.connect_async("data"))
assert "helios.embedded.engine" in names, names
""")


def test_a_handler_may_use_helios_and_may_fail(run: Run) -> None:
    process = run("""
import logging, helios
logging.raiseExceptions = False
client = helios.connect("data")
client.query("CREATE TABLE logs (name String, text String) ORDER BY name")
class Stored(logging.Handler):
    def emit(self, record):
        row = {"name": record.name, "text": record.getMessage()}
        client.query("INSERT INTO logs VALUES ({name:String}, {text:String})", row)
        raise ValueError("a handler that fails")
logging.getLogger("helios").addHandler(Stored())
logging.getLogger("helios").setLevel("DEBUG")
while not client.query("SELECT DISTINCT name FROM logs"):
    # Its connection within the process ends early, and the connector says so.
    with client.query_arrow("SELECT number FROM numbers(100000000)") as batches:
        next(batches)
print(client.query("SELECT DISTINCT name FROM logs").rows())
""")
    assert process.stdout == "[{'name': 'helios.embedded.connector'}]\n"


def test_a_program_ends_while_a_handler_waits(run: Run) -> None:
    run("""
import logging, threading, helios
waits = threading.Event()
client = helios.connect("data")
class Slow(logging.Handler):
    def emit(self, record):
        if threading.current_thread() is not threading.main_thread():
            waits.set()
            client.query("SELECT sum(sleepEachRow(1)) FROM numbers(60) SETTINGS max_block_size = 1")
logging.getLogger("helios").addHandler(Slow())
logging.getLogger("helios").setLevel("DEBUG")
while not waits.wait(0.1):
    with client.query_arrow("SELECT number FROM numbers(100000000)") as batches:
        next(batches)
""")


def test_a_fork_does_not_wait_for_the_logs_of_its_parent(run: Run) -> None:
    run("""
import logging, os, helios
logging.basicConfig(level=logging.DEBUG)
helios.connect("data")
child = os.fork()
if child == 0:
    logging.getLogger("helios").warning("from the child")
    raise SystemExit(0)
assert os.waitpid(child, 0)[1] == 0
""")
