"""The engine of the package chdb, where no libchdb is: it does what libchdb does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import helios

Wheel = Callable[..., "subprocess.CompletedProcess[str]"]

PRELUDE = """
import helios, json, os, signal, sys, threading, time

def code(client, sql, **options):
    try:
        client.query(sql, **options)
    except helios.HeliosError as error:
        return error.server_code

def running(client, pattern):
    return len(client.query(
        "SELECT 1 FROM system.processes WHERE query LIKE {p:String} AND query NOT LIKE '%system.processes%'", {"p": pattern}
    ))

def eventually(condition):
    limit = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < limit, "still not"
"""


@pytest.fixture
def wheel(tmp_path: Path) -> Wheel:
    """Runs code in a process that can find no libchdb, and expects it to end well."""

    def run(code: str, *, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        nowhere = tmp_path / "nowhere"
        nowhere.mkdir(exist_ok=True)
        inherited = {name: value for name, value in os.environ.items() if name != "HELIOS_CHDB_LIB"}
        process = subprocess.run(
            [sys.executable, "-c", PRELUDE + code],
            cwd=tmp_path,
            env={**inherited, "HOME": str(nowhere), "XDG_CACHE_HOME": str(nowhere), **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if check:
            assert process.returncode == 0, process.stdout + process.stderr
            assert process.stderr == ""
        return process

    return run


def test_it_is_the_packages_engine(wheel: Wheel) -> None:
    wheel("""
client = helios.connect("data")
import chdb
assert client.query("SELECT version() AS v").rows() == [{"v": chdb.engine_version}]
databases = client.query("SELECT engine FROM system.databases WHERE name = 'default'")
assert databases.rows() == [{"engine": "Atomic"}]
""")


TYPES = [
    "toInt8(-128)",
    "toUInt64(18446744073709551615)",
    "toInt256('-57896044618658097711785492504343953926634992332820282019728792003956564819968')",
    "toFloat32(1.5)",
    "nan",
    "toDecimal64('123.45', 2)",
    "true",
    r"'it\'s \0 \n é'",
    "toFixedString('ab', 3)",
    "toDate('2026-11-24')",
    "toDate32('1900-01-01')",
    "toDateTime('2026-11-24 01:02:03', 'Europe/Berlin')",
    "toDateTime64('2026-11-24 01:02:03.123456', 6, 'UTC')",
    "toUUID('a6ebd4fc-b2bd-4eef-a58e-2742b05a52c3')",
    "toIPv4('127.0.0.1')",
    "toIPv6('::1')",
    "CAST('a', 'Enum8(\\'a\\' = 1)')",
    "toLowCardinality('x')",
    "NULL::Nullable(Int32)",
    "[1, 2]",
    "map('k', [1, NULL])",
    "tuple(1, 'a')",
    "CAST(tuple(1, 'a'), 'Tuple(n Int32, s String)')",
    '\'{"a": {"b": 1}}\'::JSON',
]


def test_a_value_of_each_type_is_the_same(client: helios.Helios, wheel: Wheel) -> None:
    ours = [repr(client.query(f"SELECT {value} AS v").rows()) for value in TYPES]
    columns = [repr(client.query(f"SELECT {value} AS v").columns) for value in TYPES]
    output = wheel(f"""
client = helios.connect("data")
results = [client.query(f"SELECT {{value}} AS v") for value in {TYPES!r}]
print(json.dumps([[repr(result.rows()) for result in results], [repr(result.columns) for result in results]]))
""")
    assert json.loads(output.stdout) == [ours, columns]


def test_parameters_arrive_as_they_are(wheel: Wheel) -> None:
    wheel(r"""
client = helios.connect("data")
client.query("CREATE TABLE t (n UInt8, s String) ORDER BY n")
hostile = ["", "it's", "\\", "\\'", "'", "\\n", "\n\n; DROP TABLE t", "a\tb\r\0c", "{s:String}", "é 🦀", "\\N", "$$", "--", "`"]
for number, text in enumerate(hostile):
    assert client.query("SELECT {s:String} AS s", {"s": text}).rows() == [{"s": text}], repr(text)
    assert client.query("SELECT {s:Array(String)} AS s", {"s": [text, text]}).rows() == [{"s": [text, text]}], repr(text)
    # The data of an insert go another way.
    client.query("INSERT INTO {table:Identifier} VALUES ({n:UInt8}, {s:String})", {"table": "t", "n": number, "s": text})
assert [row["s"] for row in client.query("SELECT s FROM t ORDER BY n").rows()] == hostile
""")


def test_statements_of_every_kind(wheel: Wheel) -> None:
    wheel(r"""
client = helios.connect("data")
client.query("CREATE DATABASE d")
client.query("CREATE TABLE d.t (a UInt8, b String) ORDER BY a")
client.query("INSERT INTO d.t SELECT number, 'x' FROM numbers(10)")
client.query("INSERT INTO d.t VALUES (10, 'y;\n\nz'), (11, concat('p', 'q'));")
client.query("INSERT INTO d.t FORMAT JSONEachRow {\"a\":12,\"b\":\"\\n\\n\"}\n\n{\"a\":13,\"b\":\"; DROP TABLE d.t\"}")
client.query("ALTER TABLE d.t ADD COLUMN c UInt8 DEFAULT a + 1")
client.query("SET max_threads = 1")
assert client.query("SELECT count() AS n, sum(c) AS c FROM d.t").rows() == [{"n": 14, "c": 105}]
assert client.query("SHOW TABLES FROM d").rows() == [{"name": "t"}]
assert client.query("EXISTS TABLE d.t").rows() == [{"result": 1}]
assert len(client.query("DESCRIBE d.t")) == 3
assert len(client.query("EXPLAIN SELECT 1")) > 0
assert client.query("(SELECT 1 AS a) UNION ALL (SELECT 1) -- ; \n;").rows() == [{"a": 1}, {"a": 1}]
assert len(client.query("SELECT number FROM numbers(1000000)")) == 1000000
client.query("DROP DATABASE d")
assert "d" not in client.databases()
""")


ERRORS = {
    "SELEC 1": 62,
    "1 + 1": 62,
    ";": 62,
    "SELECT nosuch": 47,
    "SELECT nosuch()": 46,
    "SELECT * FROM nosuch": 60,
    "SELECT * FROM nosuch.nosuch": 81,
    "SELECT 'a' + 1": 43,
    "SELECT {x:String}": 456,
    "CREATE TABLE u (a Nosuch) ORDER BY a": 50,
    "SELECT throwIf(1)": 395,
    "SELECT throwIf(number = 300000) FROM numbers(10000000) SETTINGS max_block_size = 10000": 395,
    "SELECT sleep(1) SETTINGS max_execution_time = 0.1": 159,
    "INSERT INTO nosuch VALUES (1)": 60,
    "INSERT INTO victim VALUES (1), (nonsense": 62,
    'INSERT INTO victim FORMAT JSONEachRow {"a":1}\n\ndrop table victim': 27,
    "SELECT 1; DROP TABLE victim": 62,
    "DROP TABLE victim; nonsense(": 62,
    "SELECT 1 PARALLEL WITH DROP TABLE victim": 62,
    "SET max_threads = 1; DROP TABLE victim": 62,
    "INSERT INTO victim SELECT 1\n\n; DROP TABLE victim": 62,
    "INSERT INTO victim VALUES (1); DROP TABLE victim": 62,
    "SELECT 1 INTO OUTFILE 'written'": 358,
    "SELECT ‘'’ INTO OUTFILE 'written' -- '": 358,
    "SHOW TABLES INTO OUTFILE 'written'": 358,
    "EXPLAIN SELECT 1 INTO OUTFILE 'written'": 358,
    "INSERT INTO victim FROM INFILE '/etc/hostname' FORMAT LineAsString": 344,
    "SYSTEM SHUTDOWN": 497,
    "system /* */ kill": 497,
}


def test_errors_and_refusals_are_libchdbs(client: helios.Helios, wheel: Wheel, tmp_path: Path) -> None:
    client.query("CREATE OR REPLACE TABLE victim (a UInt8) ORDER BY a")
    try:
        ours = {statement: raised(client, statement) for statement in ERRORS}
    finally:
        client.query("DROP TABLE victim")
    assert ours == ERRORS
    output = wheel(f"""
client = helios.connect("data")
client.query("CREATE TABLE victim (a UInt8) ORDER BY a")
print(json.dumps({{statement: code(client, statement) for statement in {list(ERRORS)!r}}}))
assert client.query("SELECT count() AS n FROM victim").rows() == [{{"n": 0}}]
assert code(client, "SELECT 1 SETTINGS max_threads = 1", read_only=True) == 164
assert code(client, "INSERT INTO victim SELECT 1", read_only=True) == 164
""")
    assert json.loads(output.stdout) == ERRORS
    assert not (tmp_path / "written").exists()


def raised(client: helios.Helios, statement: str) -> int | None:
    with pytest.raises(helios.HeliosError) as raised:
        client.query(statement)
    return raised.value.server_code


def test_texts_of_errors_that_are_not_utf_8(wheel: Wheel) -> None:
    wheel("""
client = helios.connect("data")
try:
    client.query("SELECT throwIf(1, unhex('ff'))")
except helios.HeliosError as error:
    assert error.server_code == 395 and "\\ufffd" in str(error), error
else:
    raise SystemExit("no error")
""")


def test_ctrl_c_stops_a_query_on_the_engine(wheel: Wheel) -> None:
    wheel("""
client = helios.connect("data")
SLOW = "SELECT sum(sipHash64(number)) AS slow FROM system.numbers_mt"
def interrupt():
    eventually(lambda: running(client, "%AS slow%"))
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
try:
    client.query(SLOW)
except KeyboardInterrupt:
    pass
else:
    raise SystemExit("no KeyboardInterrupt")
eventually(lambda: not running(client, "%AS slow%"))
assert client.query("SELECT 1 AS one").rows() == [{"one": 1}]
""")


def test_an_insert_cut_off_commits_nothing(wheel: Wheel) -> None:
    """Half of its data are good data too: only the end of all of them may commit."""
    wheel("""
client = helios.connect("data")
client.query("CREATE TABLE t (s String) ORDER BY s")
# One block, whatever its size.
settings = "max_insert_block_size = 100000000, min_insert_block_size_rows = 100000000, min_insert_block_size_bytes = 0"
data = "a row that is a row wherever it is cut\\n" * 3_000_000
def interrupt():
    eventually(lambda: running(client, "INSERT INTO t%"))
    os.kill(os.getpid(), signal.SIGINT)
for _ in range(3):
    watcher = threading.Thread(target=interrupt)
    watcher.start()
    try:
        client.query(f"INSERT INTO t SETTINGS {settings} FORMAT TSV\\n{data}")
    except KeyboardInterrupt:
        pass
    else:
        raise SystemExit("the insert was over too soon")
    watcher.join()
    eventually(lambda: not running(client, "INSERT INTO t%"))
    assert client.query("SELECT count() AS n FROM t").rows() == [{"n": 0}]
client.query("INSERT INTO t FORMAT TSV\\na\\nb")
assert client.query("SELECT count() AS n FROM t").rows() == [{"n": 2}]
""")


def test_a_cancelled_task_stops_its_query(wheel: Wheel) -> None:
    wheel("""
import asyncio
async def main():
    async with await helios.connect_async("data") as client:
        task = asyncio.create_task(client.query("SELECT sum(sipHash64(number)) AS slow FROM system.numbers_mt"))
        async def running():
            sql = "SELECT 1 FROM system.processes WHERE query LIKE '%AS slow%' AND query NOT LIKE '%system.processes%'"
            return len(await client.query(sql))
        while not await running():
            pass
        task.cancel()
        while await running():
            pass
asyncio.run(asyncio.wait_for(main(), 60))
""")


def test_two_queries_run_at_once(wheel: Wheel) -> None:
    wheel("""
client = helios.connect("data")
def busy(number):
    try:
        client.query(f"SELECT sum(sipHash64(number)) AS busy_{number} FROM system.numbers")
    except helios.QueryCancelledError:
        pass
threads = [threading.Thread(target=busy, args=[number]) for number in range(2)]
for thread in threads:
    thread.start()
# Seen by a third, from a thread of Python that goes on meanwhile.
eventually(lambda: running(client, "%AS busy%") == 2)
client.close()
for thread in threads:
    thread.join()
""")


def test_a_restart_keeps_rows_and_uuids(wheel: Wheel) -> None:
    described = "SELECT toString(uuid) AS uuid, total_rows FROM system.tables WHERE name = 't' AND database = 'default'"
    first = wheel(f"""
client = helios.connect("data")
client.query("CREATE TABLE t (a UInt8) ORDER BY a")
client.query("INSERT INTO t VALUES (1), (2)")
print(client.query({described!r}).rows())
""")
    assert "00000000-0000" not in first.stdout
    for _ in range(2):
        again = wheel(f'client = helios.connect("data"); print(client.query({described!r}).rows())')
        assert again.stdout == first.stdout
    assert "'total_rows': 2" in first.stdout


def test_another_path_right_after_close(wheel: Wheel) -> None:
    wheel("""
for turn in range(6):
    with helios.connect(f"data {turn % 2} %41#") as client:
        client.query("CREATE TABLE IF NOT EXISTS t (a UInt8) ORDER BY a")
        client.query("INSERT INTO t VALUES (1)")
        assert client.query("SELECT count() AS n FROM t").rows() == [{"n": turn // 2 + 1}]
""")


def test_a_path_that_the_package_would_cut(wheel: Wheel, tmp_path: Path) -> None:
    wheel("""
try:
    helios.connect("da?ta")
except helios.EngineUnavailableError as error:
    assert "question mark" in str(error), error
else:
    raise SystemExit("opened")
""")
    assert not (tmp_path / "da").exists()


CRASH_SIGNALS = """
import faulthandler
def mask(name):
    line = next(line for line in open("/proc/self/status") if line.startswith(name))
    return int(line.split()[1], 16) & 0xffffffff  # not glibc's own
"""


def test_the_process_keeps_its_signal_handlers(wheel: Wheel) -> None:
    wheel(f"""{CRASH_SIGNALS}
faulthandler.enable(open("faults", "w"))
before = mask("SigCgt"), mask("SigBlk")
client = helios.connect("data")
client.query("SELECT 1")
assert (mask("SigCgt"), mask("SigBlk")) == before
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
""")


@pytest.mark.parametrize("end", ["os.abort()", "import ctypes; ctypes.string_at(0)"])
def test_a_crash_ends_the_process(wheel: Wheel, end: str) -> None:
    process = wheel(f'client = helios.connect("data"); {end}', check=False)
    assert process.returncode in (-signal.SIGABRT, -signal.SIGSEGV), process.stderr


def test_a_program_ends_well_with_queries_under_way(wheel: Wheel) -> None:
    wheel("""
client = helios.connect("data")
def busy(number):
    client.query(f"SELECT sum(sipHash64(number)) AS busy_{number} FROM system.numbers")
for number in range(2):
    threading.Thread(target=busy, args=[number], daemon=True).start()
eventually(lambda: running(client, "%AS busy%") == 2)
""")


@pytest.mark.parametrize("end", ["os._exit(0)", "sys.exit(0)"])
def test_a_fork_is_refused_and_ends(wheel: Wheel, end: str) -> None:
    wheel(f"""
import warnings
warnings.simplefilter("ignore", DeprecationWarning)  # what Python says of forks with threads
client = helios.connect("data")
client.query("SELECT 1")
child = os.fork()
if child == 0:
    signal.alarm(60)
    try:
        client.query("SELECT 1")
    except helios.UnavailableError:
        {end}
    os._exit(1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert client.query("SELECT 1 AS one").rows() == [{{"one": 1}}]
""")


def test_without_any_engine_both_ways_to_one_are_told(wheel: Wheel) -> None:
    wheel("""
sys.modules["chdb"] = None  # as if it were not installed
try:
    helios.connect("data")
except helios.EngineUnavailableError as error:
    for way in ("pip install 'helios-py[embedded]'", "chdb_lib", "HELIOS_CHDB_LIB"):
        assert way in str(error), error
else:
    raise SystemExit("opened")
""")


@pytest.mark.parametrize("how", ["argument", "variable"])
def test_a_library_that_is_named_is_not_replaced(wheel: Wheel, how: str) -> None:
    settings: dict[str, Any] = {"HELIOS_CHDB_LIB": "/no/such/libchdb.so"} if how == "variable" else {}
    option = '"data", chdb_lib="/no/such/libchdb.so"' if how == "argument" else '"data"'
    wheel(
        f"""
try:
    helios.connect({option})
except helios.EngineUnavailableError as error:
    assert "/no/such/libchdb.so" in str(error), error
else:
    raise SystemExit("opened")
assert "chdb" not in sys.modules
""",
        **settings,
    )


@pytest.mark.parametrize(
    ("package", "told"),
    [
        ("raise ImportError('no engine in it')", "no engine in it"),
        ("import nosuchmodule", "nosuchmodule"),
        ("import types\n__version__ = '1.2.3'\n_chdb = types.SimpleNamespace(connect=object)", "chdb 1.2.3 is too old"),
    ],
)
def test_a_package_that_does_not_work_is_explained(wheel: Wheel, tmp_path: Path, package: str, told: str) -> None:
    (tmp_path / "chdb.py").write_text(package)
    wheel(f"""
sys.path.insert(0, {str(tmp_path)!r})
try:
    helios.connect("data")
except helios.EngineUnavailableError as error:
    assert {told!r} in str(error), error
else:
    raise SystemExit("opened")
""")
