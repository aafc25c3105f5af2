"""The Python package beside its peers, in turns: the same rows as pandas and polars frames, small queries, its import.

Usage: peers.py ENGINE_URL USER PASSWORD DATA_PATH ROUNDS STATEMENT... Prints, as JSON, the seconds of each round by name. The
table `bench.readings` is on the engine; in DATA_PATH the statements make it.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import chdb
import clickhouse_connect
import polars

import helios

SQL = "SELECT * FROM bench.readings WHERE id < 1000000"
SHAPE = (1_000_000, 5)
SMALL_QUERIES = 10_000

IMPORT = "import time; start = time.perf_counter(); import helios; print(time.perf_counter() - start)"


def main() -> None:
    url, user, password, data_path, rounds, *statements = sys.argv[1:]
    address = urlsplit(url)
    with helios.connect(url=url, clickhouse_user=user, clickhouse_password=password) as remote:
        peer = clickhouse_connect.get_client(
            host=address.hostname,
            port=address.port,
            username=user,
            password=password,
            autogenerate_session_id=False,
        )
        times = measured(
            int(rounds),
            {
                "helios to pandas": lambda: remote.query(SQL).to_pandas(),
                "clickhouse-connect query_df": lambda: peer.query_df(SQL),
                "clickhouse-connect query_df_arrow": lambda: peer.query_df_arrow(SQL),
                "helios to polars": lambda: remote.query(SQL).to_polars(),
                "clickhouse-connect query_arrow, from_arrow": lambda: polars.from_arrow(peer.query_arrow(SQL)),
            },
        )
        times |= turns(
            {
                "helios, 10 k × SELECT 1": lambda: remote.query("SELECT 1").rows(),
                "clickhouse-connect, 10 k × SELECT 1": lambda: peer.query("SELECT 1").result_rows,
                # What nobody can do better than: the engine's answer, unread.
                "the engine's HTTP, 10 k × SELECT 1": bare(address.hostname, address.port, user, password),
            },
        )
    with helios.connect(data_path) as local:
        for statement in statements:
            local.query(statement)
        # The same engine: without libchdb it is the package's that Helios opens.
        engine = chdb.connect(data_path)
        times |= measured(
            int(rounds),
            {
                "helios in process": lambda: local.query(SQL).to_pandas(),
                "chdb in process": lambda: engine.query(SQL, "DataFrame"),
            },
        )
    times["import helios"] = [imported() for _ in range(int(rounds))]
    print(json.dumps(times))


def measured(rounds: int, works: dict[str, Callable[[], Any]]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            start = time.perf_counter()
            frame = work()
            seconds = time.perf_counter() - start
            if frame.shape != SHAPE:
                sys.exit(f"{name}: a frame of {frame.shape} came")
            # The first round warms up.
            if number > 0:
                times[name].append(seconds)
    return times


def turns(works: dict[str, Callable[[], Any]]) -> dict[str, list[float]]:
    """All the small queries of each, in turns of a tenth of them."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(10):
        for name, work in works.items():
            start = time.perf_counter()
            for _ in range(SMALL_QUERIES // 10):
                work()
            times[name].append(time.perf_counter() - start)
    return times


def bare(host: str | None, port: int | None, user: str, password: str) -> Callable[[], bytes]:
    """Asks the engine over a connection that stays open."""
    connection = http.client.HTTPConnection(host or "", port)
    headers = {"X-ClickHouse-User": user, "X-ClickHouse-Key": password}

    def ask() -> bytes:
        connection.request("POST", "/", "SELECT 1 FORMAT Native", headers)
        answer = connection.getresponse().read()
        if b"UInt8" not in answer:
            sys.exit(f"the engine answered {answer!r}")
        return answer

    return ask


def imported() -> float:
    """The seconds that `import helios` takes in a process that has imported nothing else."""
    process = subprocess.run([sys.executable, "-c", IMPORT], check=True, capture_output=True, text=True)
    return float(process.stdout)


if __name__ == "__main__":
    main()
