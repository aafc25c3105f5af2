"""What a type checker knows: `mypy --strict` reads this file, and finds each `ignore` needed."""

from __future__ import annotations

import importlib.resources
from typing import Any

import helios


def test_the_package_says_that_it_has_types() -> None:
    assert importlib.resources.files(helios).joinpath("py.typed").is_file()


def of_a_client(client: helios.Client) -> None:
    result: helios.QueryResult = client.query("SELECT 1", {"a": [1, "x"], "b": 1.5}, max_execution_time=1)
    rows: list[dict[str, Any]] = result.rows()
    columns: list[helios.Column] = result.columns
    databases: dict[str, list[str]] = client.databases()
    sample: helios.StreamSample = client.kinesis_sample("s", position="now")
    created: helios.TableCreated = client.create_table("s", "t", sample.inferred_schema, order_by=sample.order_by)
    client.create_table("s", "t", {"a": "UInt8"})
    client.create_table("s", "t", [("a", "UInt8")])
    sources: list[helios.Source] = client.sources()
    del rows, columns, databases, created, sources

    client.query(1)  # type: ignore[arg-type]
    client.query("SELECT 1", {"a": None})  # type: ignore[dict-item]
    client.query("SELECT 1", max_result_rows="1")  # type: ignore[arg-type]
    client.query("SELECT 1", no_such=1)  # type: ignore[call-arg]
    client.create_table("s", "t", {"a": 1})  # type: ignore[arg-type]
    result.columns = 1  # type: ignore[assignment]
    sample.notes = []  # type: ignore[misc]
    helios.connect(aws_region=1)  # type: ignore[arg-type]


async def of_an_async_client() -> None:
    async with await helios.connect_async("data") as client:
        result: helios.QueryResult = await client.query("SELECT 1")
        other: helios.AsyncClient = client.with_credentials("AKIA", "secret")
        del result, other
        client.query("SELECT 1").rows()  # type: ignore[attr-defined]
        await client.query(1)  # type: ignore[arg-type]
