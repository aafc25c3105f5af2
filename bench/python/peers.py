"""One query's result as a pandas DataFrame: Helios beside its peers, in turns.

Usage: peers.py ENGINE_URL USER PASSWORD DATA_PATH ROUNDS STATEMENT... Prints, as JSON, the seconds of each round by name. The
table `bench.readings` is on the engine; in DATA_PATH the statements make it.
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
                "helios over HTTP": lambda: pandas.DataFrame.from_arrow(remote.query(SQL)),
                "clickhouse-connect query_df": lambda: peer.query_df(SQL),
                "clickhouse-connect query_df_arrow": lambda: peer.query_df_arrow(SQL),
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
