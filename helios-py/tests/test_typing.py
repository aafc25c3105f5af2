"""What a type checker knows: `mypy --strict` reads this file, and finds each `ignore` needed."""

from __future__ import annotations

import importlib.resources
from typing import Any

import polars

import helios


def test_the_package_says_that_it_has_types() -> None:
    assert importlib.resources.files(helios).joinpath("py.typed").is_file()


def of_a_client(client: helios.Helios) -> None:
    result: helios.QueryResult = client.query("SELECT 1", {"a": [1, "x"], "b": 1.5}, max_execution_time=1)
    rows: list[dict[str, Any]] = result.rows()
    columns: list[helios.Column] = result.columns
    pieces: list[helios.QueryBatch] = result.batches()
    frame: polars.DataFrame = result.to_polars()
    frames: list[polars.DataFrame] = [pieces[0].to_polars(), client.query_arrow("SELECT 1").to_polars()]
    result.to_pandas().groupby("a")
    result.to_arrow().validate()
    del frame, frames
    json: bytes = client.query_json("SELECT 1", times="simple", quote_64bit_integers=True, limit=1)
    chunks: list[bytes] = list(client.query_bytes("SELECT 1", format="csv", query_id="a"))
    batches: helios.QueryBatches = client.query_arrow("SELECT 1", on_progress=lambda so_far: so_far.read_rows < 10)
    of_batches: list[dict[str, Any]] = [row for batch in batches for row in batch]
    found: bool = client.cancel_query("a")
    progress: helios.QueryProgress | None = client.query_progress("a")
    databases: dict[str, list[str]] = client.databases()
    sample: helios.StreamSample = client.sample(
        "s", position="now", progress_bar=True, on_progress=lambda so_far: so_far.reads < 9
    )
    created: helios.TableCreated = client.create_table(
        "s", "t", sample.inferred_schema, order_by=sample.proposal.order_by
    )
    edited: helios.Schema = sample.inferred_schema.rename("a", "b").add("c", "UInt8", default=1)
    check: helios.SchemaCheck = client.check_schema("s", schema=edited, edits=[{"drop": {"column": "c"}}])
    drift: helios.SchemaDrift = client.schema_drift("t", events=[{"a": 1}])
    client.create_table("s", "t", check.schema)
    del drift
    client.create_table("s", "t", {"a": "UInt8"})
    client.create_table("s", "t", [("a", "UInt8")])
    client.create_table("s", "t", {"a": "UInt8"}, delivery="consumer", unknown_fields="addColumn")
    plan: helios.CreatePlan = client.plan("s", "t", check.schema, sample={"max_events": 5}, ttl="at + INTERVAL 1 DAY")
    client.create_table("s", "t", check.schema, engine="MergeTree", batch_size=plan.shards)
    client.create_table("s", "t", check.schema, existing_table="allow", add_batch_column=True)
    sources: list[helios.Source] = client.sources()
    paused: helios.Source = client.pause(sources[0])
    resumed: helios.Source = client.resume("shop.clicks")
    removed: helios.SourceRemoved = client.remove(paused, table="drop")
    repair: helios.Repair = client.repair()
    remedies: list[str | None] = [check.remedy for check in client.doctor().checks]
    del resumed, removed, repair, remedies
    consumer: helios.Consumer = client.consume("s", on_progress=lambda so_far: so_far.received < 10)
    consumed: helios.ConsumeReport = consumer.wait(1)
    running: list[helios.Consumer] = client.consumers()
    streams: list[helios.Stream] = client.streams()
    put: helios.EventsPut = client.put_events("s", [{"a": 1}, "{}", b"{}"], partition_key="/a")
    evidence: dict[str, helios.ColumnEvidence] = edited.evidence
    checked: helios.SchemaCheck = edited.check(order_by=["a"])
    del running, streams, put, evidence, checked
    report: helios.DeliveryReport = client.delivery_report("t", stream="s", count_rows=True)
    counted: helios.RowCount | None = report.counted
    settled: helios.RangeSettled = client.settle_range("t", "shardId-000000000000", "absent")
    rejects: helios.QuarantineSummary = client.quarantine("t", error_type="out_of_range", since="2026-01-01T00:00:00Z")
    shown: list[helios.StoredReject] = client.quarantine_show("t", limit=1, path="$.a").rejects
    replayed: helios.ReplayReport = client.quarantine_replay("t", dry_run=True)
    client.quarantine_retention("t", None)
    del json, chunks, of_batches, found, progress
    del rows, columns, databases, created, sources, consumed, report, counted, settled, rejects, shown, replayed

    client.query(1)  # type: ignore[arg-type]
    client.query("SELECT 1", {"a": None})  # type: ignore[dict-item]
    client.query("SELECT 1", max_result_rows="1")  # type: ignore[arg-type]
    client.query("SELECT 1", no_such=1)  # type: ignore[call-arg]
    client.query("SELECT 1", times="iso")  # type: ignore[call-arg]
    client.query_json("SELECT 1", wide_integers="text")  # type: ignore[call-arg]
    client.query_json("SELECT 1", times="roman")  # type: ignore[arg-type]
    client.query_bytes("SELECT 1", format="xml")  # type: ignore[arg-type]
    client.query("SELECT 1", on_progress=print, query_id=1)  # type: ignore[arg-type]
    client.create_table("s", "t", {"a": 1})  # type: ignore[arg-type]
    client.create_table("s", "t", {"a": "UInt8"}, delivery="courier")  # type: ignore[arg-type]
    client.create_table("s", "t", {"a": "UInt8"}, add_batch_column="yes")  # type: ignore[arg-type]
    client.delivery_report("t", count_rows="yes")  # type: ignore[arg-type]
    edited.rename("a", 1)  # type: ignore[arg-type]
    client.check_schema("s", unknown_fields="drop")  # type: ignore[arg-type]
    client.consume("s", on_progress=print, until=1)  # type: ignore[call-arg]
    client.consume("s").delivered  # type: ignore[attr-defined]  # noqa: B018
    client.put_events("s", [1])  # type: ignore[list-item]
    client.quarantine("t", colour="red")  # type: ignore[call-arg]
    client.quarantine("t", path=1)  # type: ignore[arg-type]
    client.settle_range("t", "s", "maybe")  # type: ignore[arg-type]
    client.query("SELECT 1", progress_bar="yes")  # type: ignore[arg-type]
    client.sample("s", progress_bar=1)  # type: ignore[arg-type]
    result.to_polars(1)  # type: ignore[call-arg]
    result.columns = 1  # type: ignore[assignment]
    sample.notes = []  # type: ignore[misc]
    helios.connect(aws_region=1)  # type: ignore[arg-type]


async def of_an_async_client() -> None:
    async with await helios.connect_async("data") as client:
        result: helios.QueryResult = await client.query("SELECT 1")
        other: helios.AsyncHelios = client.with_credentials("AKIA", "secret")
        consumer: helios.AsyncConsumer = await client.consume("s", time_limit=1)
        consumed: helios.ConsumeReport = await consumer.stop()
        del result, other, consumed
        async with await client.query_bytes("SELECT 1") as chunks:
            json: bytes = b"".join([chunk async for chunk in chunks])
        del json
        async for batch in await client.query_arrow("SELECT 1"):
            batch.rows()
        frame: polars.DataFrame = await (await client.query_arrow("SELECT 1")).to_polars()
        del frame
        client.query("SELECT 1").rows()  # type: ignore[attr-defined]
        await client.query(1)  # type: ignore[arg-type]
