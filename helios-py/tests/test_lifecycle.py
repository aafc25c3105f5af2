"""Opening and closing."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import helios

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def test_a_closed_client_says_so(data: Path, client: helios.Helios) -> None:
    other = helios.connect(data)
    assert not other.closed
    other.close()
    other.close()
    assert other.closed
    assert repr(other) == "<helios.Helios closed>"
    for call in (
        other.databases,
        lambda: other.query("SELECT 1"),
        other.authenticate,
        lambda: other.with_credentials("AKIA", "secret"),
        lambda: other.sample("s"),
        lambda: other.create_table("s", "t", {"a": "UInt8"}),
        other.sources,
        lambda: other.query_json("SELECT 1"),
        lambda: other.query_bytes("SELECT 1"),
        lambda: other.query_arrow("SELECT 1"),
        lambda: other.cancel_query("a"),
        lambda: other.query_progress("a"),
    ):
        with pytest.raises(helios.InvalidInputError, match="the client is closed"):
            call()
    # The others of the engine go on.
    assert client.query("SELECT 1 AS one").rows() == [{"one": 1}]


def test_the_end_of_a_block_closes(data: Path) -> None:
    with pytest.raises(ZeroDivisionError), helios.connect(data) as other:
        raise ZeroDivisionError
    assert other.closed


def test_a_result_outlives_its_client(data: Path) -> None:
    with helios.connect(data) as other:
        result = other.query("SELECT 1 AS one")
    assert result.rows() == [{"one": 1}]


def test_databases(client: helios.Helios, table: str) -> None:
    assert client.databases()["default"] == []
    client.query(f"CREATE TABLE {table} (a UInt8) ORDER BY a")
    databases = client.databases()
    assert databases["default"] == [table]
    assert "system" in databases


def test_a_second_path_while_the_first_is_open(client: helios.Helios, tmp_path: Path) -> None:
    with pytest.raises(helios.EngineUnavailableError, match="already runs an engine on"):
        helios.connect(tmp_path / "second")


def test_another_path_after_the_first_is_closed(run: Run) -> None:
    run("""
import helios
for turn in range(4):
    with helios.connect(f"data-{turn % 2}") as client:
        client.query("CREATE TABLE IF NOT EXISTS t (a Int32) ORDER BY a")
        client.query("INSERT INTO t VALUES ({turn:Int32})", {"turn": turn})
        assert client.query("SELECT count() AS n FROM t").rows() == [{"n": turn // 2 + 1}]
""")


def test_the_engine_is_open_until_the_last_of_its_clients_is_closed(run: Run) -> None:
    run("""
import helios
first = helios.connect("data")
other = first.with_credentials("AKIA", "secret")
first.close()
assert other.query("SELECT 1 AS one").rows() == [{"one": 1}]
try:
    helios.connect("elsewhere")
except helios.EngineUnavailableError:
    pass
else:
    raise SystemExit("two paths at once")
other.close()
helios.connect("elsewhere").close()
""")


def test_a_client_that_is_forgotten_lets_go(run: Run) -> None:
    run("""
import gc, helios
helios.connect("data").query("SELECT 1")
gc.collect()
helios.connect("elsewhere").close()
""")


def test_closing_ends_the_queries_under_way(run: Run) -> None:
    run("""
import helios, threading
client = helios.connect("data")
raised = []
def query():
    try:
        client.query("SELECT sum(sleepEachRow(1)) FROM numbers(60) SETTINGS max_block_size = 1")
    except helios.QueryCancelledError as error:
        raised.append(str(error))
thread = threading.Thread(target=query)
thread.start()
while not client.query("SELECT 1 FROM system.processes WHERE query LIKE '%sleepEachRow%' AND query NOT LIKE '%processes%'"):
    pass
client.close()
helios.connect("elsewhere").close()
thread.join(10)
assert raised == ["the client was closed before the operation ended"], raised
""")


@pytest.mark.parametrize("how", ["", "del client", "client.close()", "raise SystemExit(0)"])
def test_a_program_ends_well(run: Run, how: str) -> None:
    process = run(f"import helios; client = helios.connect('data'); client.query('SELECT 1'); {how}")
    assert process.stderr == ""


def test_a_program_ends_well_with_a_query_under_way(run: Run) -> None:
    process = run("""
import helios, threading
client = helios.connect("data")
sql = "SELECT sum(sleepEachRow(1)) FROM numbers(60) SETTINGS max_block_size = 1"
threading.Thread(target=lambda: client.query(sql), daemon=True).start()
while not client.query("SELECT 1 FROM system.processes WHERE query LIKE '%sleepEachRow%' AND query NOT LIKE '%processes%'"):
    pass
""")
    assert process.stderr == ""


@pytest.mark.parametrize("how", ["", "del pieces", "del client", "client.close()", "raise SystemExit(0)"])
def test_a_program_ends_well_with_a_result_under_way(run: Run, how: str) -> None:
    process = run(f"""
import helios
client = helios.connect("data")
pieces = client.query_arrow("SELECT number FROM numbers(10000000000)", on_progress=lambda so_far: True)
next(pieces)
{how}
""")
    assert process.stderr == ""


def test_results_that_are_closed_early_leave_nothing(run: Run) -> None:
    """Each closed result once had a thread that stopped its query, and hundreds of these waited for each other."""
    run(
        """
import helios, time

client = helios.connect("data")
for _ in range(300):
    with client.query_arrow("SELECT number, toString(number) AS closed FROM system.numbers") as batches:
        next(iter(batches))
left = "SELECT count() AS n FROM system.processes WHERE query LIKE '%AS closed%' AND query NOT LIKE '%system.processes%'"
limit = time.monotonic() + 30
while client.query(left).rows() != [{"n": 0}]:
    assert time.monotonic() < limit, client.query(left).rows()
threads = [task.read_text() for task in __import__("pathlib").Path("/proc/self/task").glob("*/comm")]
assert sum(name.startswith("helios-c") for name in threads) <= 1, threads
# Ends with the client open.
""",
        timeout=120,
    )


def test_no_engine(run: Run) -> None:
    process = run(
        "import helios; helios.connect('data')",
        check=False,
        HELIOS_CHDB_LIB="/no/such/libchdb.so",
    )
    last = process.stderr.strip().splitlines()[-1]
    assert last.startswith("helios.exceptions.EngineUnavailableError: no embedded ClickHouse"), process.stderr
    assert "/no/such/libchdb.so" in last


def test_a_path_that_cannot_be_used(run: Run) -> None:
    run("""
import helios, pathlib
pathlib.Path("file").touch()
try:
    helios.connect("file")
except helios.EngineUnavailableError as error:
    assert "file" in str(error), error
else:
    raise SystemExit("a file is no folder")
helios.connect("data").close()
""")


def test_a_path_in_use_by_another_process(data: Path, client: helios.Helios, run: Run) -> None:
    process = run(f"import helios; helios.connect({str(data)!r})", check=False)
    assert "EngineUnavailableError" in process.stderr
    assert "in use by another process" in process.stderr
