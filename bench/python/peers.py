"""One query's result as a pandas DataFrame: Helios beside its peers, in turns.

Usage: peers.py ENGINE_URL USER PASSWORD DATA_PATH ROUNDS. Prints, as JSON, the seconds of each round by name. The table
`bench.readings` is on the engine; in DATA_PATH it is made here.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import chdb
import clickhouse_connect
import pandas

import helios

SQL = "SELECT * FROM bench.readings WHERE id < 1000000"
ROWS = 1_000_000


def main() -> None:
    url, user, password, data_path, rounds = sys.argv[1:]
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
                "helios over HTTP": lambda: pandas.DataFrame.from_arrow(remote.query(SQL)),
                "clickhouse-connect query_df": lambda: peer.query_df(SQL),
                "clickhouse-connect query_df_arrow": lambda: peer.query_df_arrow(SQL),
            },
        )
    with helios.connect(data_path) as local:
        local.query("CREATE DATABASE bench")
        local.query(
            "CREATE TABLE bench.readings (id UInt64, name String, at DateTime, value Float64, flag Bool) "
            "ENGINE = MergeTree ORDER BY id"
        )
        local.query(
            "INSERT INTO bench.readings SELECT number, concat('user-', toString(number * 7919 % 1000000)), "
            "toDateTime('2026-01-01 00:00:00', 'UTC') + number % 1000000, number / 8, number % 2 = 0 "
            f"FROM numbers({ROWS})"
        )
        engine = chdb.connect(data_path)
        times |= measured(
            int(rounds),
            {
                "helios in process": lambda: pandas.DataFrame.from_arrow(local.query(SQL)),
                "chdb in process": lambda: engine.query(SQL, "DataFrame"),
            },
        )
    print(json.dumps(times))


def measured(rounds: int, works: dict[str, Callable[[], pandas.DataFrame]]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            start = time.perf_counter()
            frame = work()
            seconds = time.perf_counter() - start
            if frame.shape != (ROWS, 5):
                sys.exit(f"{name}: a frame of {frame.shape} came")
            # The first round warms up.
            if number > 0:
                times[name].append(seconds)
    return times


if __name__ == "__main__":
    main()
