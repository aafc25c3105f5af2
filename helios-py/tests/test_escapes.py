"""What SQL that only reads must not be able to do, and what it must: the statements of tests/escapes.json, on this engine."""

from __future__ import annotations

import json
import re
import socket
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import helios

CORPUS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "tests" / "escapes.json").read_text(encoding="utf-8"))


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A port that nothing must connect to."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


@pytest.fixture
def database(client: helios.Helios) -> Iterator[str]:
    """A database with something to lose."""
    name = f"escape_{uuid.uuid4().hex}"
    client.query(f"CREATE DATABASE {name}")
    for table in ("target", "other", "gone"):
        client.query(f"CREATE TABLE {name}.{table} (a UInt8, b UInt8 DEFAULT 0) ENGINE = MergeTree ORDER BY a")
    client.query(f"INSERT INTO {name}.target (a) SELECT 1")
    client.query(f"DROP TABLE {name}.gone")
    yield name
    client.query(f"DROP DATABASE {name}")


def in_snake_case(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: "_" + letter.group().lower(), name)


def arrow(client: helios.Helios) -> Callable[..., None]:
    def query_arrow(sql: str, **options: Any) -> None:
        with client.query_arrow(sql, **options) as batches:
            for _ in batches:
                pass

    return query_arrow


def test_nothing_escapes(client: helios.Helios, database: str, listener: socket.socket, tmp_path: Path) -> None:
    (tmp_path / "canary.txt").write_text("canary\n", encoding="utf-8")
    host = "{}:{}".format(*listener.getsockname())

    def in_text(text: str) -> str:
        for name, value in {
            "http": f"http://{host}",
            "host": host,
            "canary": f"{tmp_path}/canary.txt",
            "dir": str(tmp_path),
            "db": database,
        }.items():
            text = text.replace("${" + name + "}", value)
        return text

    before = state(client, database)
    wrong = []
    for refused in CORPUS["refused"]:
        sql = in_text(refused["sql"])
        options = json.loads(in_text(json.dumps(refused.get("options", {}))))
        options = {in_snake_case(name): value for name, value in options.items()}
        for ask in (client.query, arrow(client)):
            try:
                ask(sql, read_only=True, **options)
                wrong.append(f"{sql} passes {ask.__name__}")
            except helios.HeliosError as error:
                if (error.kind, error.server_code) != (refused["kind"], refused["code"]):
                    wrong.append(f"{sql}: {error!r}")
    for allowed in map(in_text, CORPUS["allowed"]):
        try:
            client.query(allowed, read_only=True)
        except helios.HeliosError as error:
            wrong.append(f"{allowed} must pass: {error!r}")
    assert wrong == []
    assert state(client, database) == before
    assert [file.name for file in tmp_path.iterdir()] == ["canary.txt"]
    with pytest.raises(BlockingIOError):
        listener.accept()


def state(client: helios.Helios, database: str) -> list[Any]:
    """What must stay as it is."""
    sql = f"""
        SELECT (SELECT groupArray((name, comment)) FROM
                (SELECT * FROM system.tables WHERE database = '{database}' ORDER BY name)) AS tables,
               (SELECT count() + sum(a) FROM {database}.target) AS rows,
               (SELECT count() FROM system.columns WHERE database = '{database}') AS columns,
               (SELECT count() FROM system.databases WHERE name LIKE '{database}%') AS databases,
               (SELECT count() FROM system.functions WHERE name = '{database}_made') AS functions
    """
    return list(client.query(sql))
