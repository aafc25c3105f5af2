"""The whole path from a stream to a table and back, by every method of both clients, on the real engine and the emulator."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import inspect
import io
import itertools
import json
import math
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy
import pyarrow
import pytest
from account import Account
from emulator import Emulator

import helios

START = dt.datetime(2026, 1, 31, 12, tzinfo=dt.timezone.utc)
FITTING = [
    {
        "user_id": number,
        "page": "/cart" if number % 3 == 0 else "/",
        "at": f"{START + dt.timedelta(seconds=number):%FT%TZ}",
    }
    for number in range(40)
]
# What UInt8 does not hold, what is no number, what is no JSON.
TOO_LARGE = [{"user_id": number, "page": "/cart", "at": "2026-01-31T12:00:00Z"} for number in (300, 301, 302)]
NO_NUMBER = {"user_id": "ann", "page": "/", "at": "2026-01-31T12:00:00Z"}
NO_JSON = "not JSON"
EVENTS = [*FITTING, *TOO_LARGE, NO_NUMBER, NO_JSON]
SCHEMA = {"user_id": "UInt8", "page": "LowCardinality(String)", "at": "DateTime('UTC')"}
SHARD = "shardId-000000000000"


class Face:
    """One of the two clients. What its methods return is awaited if it has to be, and which they were is remembered."""

    def __init__(self, client: helios.Helios | helios.AsyncHelios, called: set[str]) -> None:
        self.client = client
        self.called = called

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def call(*arguments: Any, **options: Any) -> Any:
            self.called.add(name)
            return await awaited(getattr(self.client, name)(*arguments, **options))

        return call


async def listening(client: Face) -> None:
    engine = await client.engine_info()
    assert engine == client.client.engine
    assert engine.origin is not None and engine.origin.startswith(("libchdb, /", "chdb "))
    assert (await client.query("SELECT version() AS v")).rows() == [{"v": engine.version}]
    listener = await client.listen(user="ann", password="canary")
    assert "canary" not in repr(listener)
    request = urllib.request.Request(listener.url, b"SELECT 6 * 7", {"X-ClickHouse-User": "ann"})
    # On a thread, as the listener may need this one's event loop.
    with pytest.raises(urllib.error.HTTPError, match="HTTP Error 40"):
        await asyncio.to_thread(urllib.request.urlopen, request)
    request.add_header("X-ClickHouse-Key", "canary")
    answer = await asyncio.to_thread(urllib.request.urlopen, request)
    assert answer.read() == b"42\n"
    async with listener:
        pass
    listener.close()
    with pytest.raises(urllib.error.URLError, match="refused"):
        await asyncio.to_thread(urllib.request.urlopen, request)


async def awaited(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


async def pieces(result: Any) -> list[Any]:
    """All pieces of a result that is read piece by piece."""
    if hasattr(result, "__aiter__"):
        return [piece async for piece in result]
    return list(result)


async def piece(result: Any) -> Any:
    """Its next piece."""
    return await anext(result) if hasattr(result, "__aiter__") else next(result)


async def consume(client: Face, stream: str) -> helios.ConsumeReport:
    """Deliver a stream up to its present end."""
    consumer = await client.consume(stream, until_caught_up=True)
    report: helios.ConsumeReport = await awaited(consumer.wait())
    return report


def public_methods(kind: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")}


@pytest.fixture
def other_account(emulator: Emulator) -> Iterator[Account]:
    account = Account(emulator.endpoint)
    yield account
    account.close()


@pytest.mark.parametrize("connect", [helios.connect, helios.connect_async], ids=["sync", "async"])
def test_every_method(connect: Callable[..., Any], account: Account, other_account: Account, data: Path) -> None:
    called: set[str] = set()

    async def main() -> None:
        client = Face(await awaited(connect(data, **account.settings)), called)
        database = f"path_{uuid.uuid4().hex}"
        arn = account.create_stream("clicks", *EVENTS)
        try:
            await credentials(client, account, other_account)
            await sampling(client)
            await putting(client, account)
            await checking(client, database)
            await planning(client, database, arn)
            await creating(client, database, arn)
            await pausing(client, database)
            await delivering(client, database, arn)
            await querying(client, database)
            await a_query_under_way(client)
            await rejects(client, database)
            await drifting(client, database)
            await settling(client, database, account)
            await repairing(client, database)
            await diagnosing(client, account)
            await listening(client)
            await removing(client, database)
        finally:
            await client.query(f"DROP DATABASE IF EXISTS {database}")
        await closing(client)
        assert called == public_methods(type(client.client))

    asyncio.run(main())


async def credentials(client: Face, account: Account, other_account: Account) -> None:
    mine = await client.authenticate()
    assert mine == helios.Authentication(True, ["clicks"], account.id, f"arn:aws:iam::{account.id}:root")
    other_account.create_stream("orders")
    other = Face(await client.with_credentials(other_account.id, "root", region="eu-west-1"), client.called)
    assert (await other.authenticate()).stream_names == ["orders"]
    # Those that are refused leave the client as it was; those that are accepted do not.
    with pytest.raises(helios.UnauthenticatedError, match="does not know"):
        await other.authenticate("AKIANOBODY", "secret")
    assert (await other.authenticate()).account == other_account.id
    assert (await other.authenticate(account.id, "root")).stream_names == ["clicks"]
    assert (await other.authenticate()).account == account.id
    await other.close()
    # Neither touches the one that it came from.
    assert await client.authenticate() == mine


async def sampling(client: Face) -> None:
    told: list[helios.SampleProgress] = []
    sample = await client.sample("clicks", position="oldest", on_progress=told.append)
    assert (sample.events_read, sample.unreadable, sample.ended_by) == (len(EVENTS), 1, "end_of_stream")
    assert sample.sample_event in EVENTS
    assert [column.name for column in sample.inferred_schema] == ["user_id", "page", "at"]
    assert {column.name: column.present for column in sample.columns} == dict.fromkeys(SCHEMA, len(EVENTS) - 1)
    assert sample.proposal.time_column == "at"
    assert [record.event for record in sample.samples if record.event] == EVENTS[:10]
    assert [record.raw for record in sample.samples if record.event is None] == [NO_JSON]
    assert told and (told[-1].events, told[-1].shards) == (len(EVENTS), 1)
    few = await client.sample("clicks", position="oldest", max_events=5, inference={"integers": "narrow"})
    assert (few.events_read, few.ended_by) == (5, "max_events")
    assert few.inferred_schema[0] == helios.Column("user_id", "UInt8")


async def putting(client: Face, account: Account) -> None:
    arn = account.create_stream("parcels", shards=4)
    streams = await client.streams()
    assert [stream.stream_name for stream in streams] == ["clicks", "parcels"]
    assert (streams[1].stream_arn, streams[1].status, streams[1].mode) == (arn, "ACTIVE", "PROVISIONED")
    assert (streams[1].created_at or START) > START

    # Values that JSON has nothing of its own for, in whatever form an event has.
    account.create_stream("letters")
    at, owner = dt.datetime(2026, 1, 31, 12, 0, 1, tzinfo=dt.timezone.utc), uuid.uuid4()
    letters = [
        {"id": 2**64 - 1, "at": at, "on": at.date(), "price": Decimal("1.10"), "owner": owner, "tags": ["é", None]},
        {"id": numpy.int64(3), "weight": numpy.float32(0.5)},
        '{"id": 1, "to": {"name": "ann"}}',
        b' {"id": 2} ',
        f'{{"id": -{"7" * 5_000}}}',
    ]
    assert (await client.put_events("letters", letters)).events == 5
    sample = await client.sample("letters", position="oldest")
    assert [record.event for record in sample.samples] == [
        {
            "id": 2**64 - 1,
            "at": "2026-01-31T12:00:01+00:00",
            "on": "2026-01-31",
            "price": "1.10",
            "owner": str(owner),
            "tags": ["é", None],
        },
        {"id": 3, "weight": 0.5},
        {"id": 1, "to": {"name": "ann"}},
        {"id": 2},
        # More digits than Python reads.
        {"id": "-" + "7" * 5_000},
    ]
    assert "-7777" in sample._repr_html_()

    # More than are put at once.
    told: list[helios.EventsPut] = []
    events = ({"id": number} for number in range(6_000))
    put = await client.put_events("parcels", events, partition_key="/id", on_progress=told.append)
    assert (put.events, put.throttled) == (6_000, 0)
    assert [so_far.events for so_far in told] == [5_000, 6_000]
    sample = await client.sample("parcels", position="oldest", max_events=10_000)
    assert (sample.events_read, sample.unreadable) == (6_000, 0)

    # What is no event is named, by its number among all.
    for wrong, message in [
        ({"id": math.nan}, "cannot be an event"),
        ({"id": object()}, "cannot be an event"),
        ("{", "this is not"),
        ('{"id": NaN}', "this is not: NaN"),
        ('{"id": ' + "[" * 100_000, "this is not"),
        (b"\xff", "not UTF-8"),
        ({"name": "\ud800"}, "lone surrogate"),
        ('{"name": "\ud800"}', "lone surrogate"),
        ({"id": 10**5_000}, "digits"),
        ("[1]", "JSON object"),
        ({"name": "ann"}, "partition key"),
    ]:
        with pytest.raises(helios.InvalidInputError, match=message) as caught:
            await client.put_events("parcels", [{"id": 0}, wrong], partition_key="/id")
        assert caught.value.context["event"] == "1"
    with pytest.raises(helios.InvalidInputError) as caught:
        await client.put_events("parcels", [*({"id": number} for number in range(5_001)), "[1]"])
    assert caught.value.context["event"] == "5001"
    with pytest.raises(helios.NotFoundError, match="absent"):
        await client.put_events("absent", [{"id": 1}])
    stopped = await client.put_events("parcels", ({"id": 1} for _ in itertools.count()), on_progress=lambda _: False)
    assert stopped.events == 5_000


async def checking(client: Face, database: str) -> None:
    edits = [{"rename": {"column": "page", "to": "path"}}]
    check = await client.check_schema(
        "clicks", schema=SCHEMA, edits=edits, table="clicks", database=database, position="oldest"
    )
    assert check.schema[1] == helios.Column("path", "LowCardinality(String)", field="/page")
    assert (check.events, check.fitting, check.rejected) == (45, 40, 5)
    assert [(reject.event, reject.error_type) for reject in check.rejects] == [
        *((number, "out_of_range") for number in (40, 41, 42)),
        (43, "type_mismatch"),
        (44, "malformed_json"),
    ]
    assert check.create_table_query.startswith(f"CREATE TABLE `{database}`.`clicks`")
    at_hand = await client.check_schema(events=[{"a": 1}, {"a": 256}], schema={"a": "UInt8"})
    assert (at_hand.fitting, [reject.value for reject in at_hand.rejects]) == (1, ["256"])


async def planning(client: Face, database: str, arn: str) -> None:
    plan = await client.plan(
        "clicks",
        "clicks",
        SCHEMA,
        sample={"position": "oldest"},
        database=database,
        create_database=True,
        delivery="consumer",
        start_position="oldest",
    )
    assert plan.possible and plan.obstacles == []
    assert [(step.what, step.action) for step in plan.steps][:2] == [("database", "create"), ("table", "create")]
    assert (plan.stream_arn, plan.shards, plan.batching) == (arn, 1, None)
    assert (plan.sample.events, plan.sample.rejected) == (45, 5)
    assert plan.sample.create_table_query == plan.create_table_query
    # Nothing is made.
    assert await client.sources() == []
    assert database not in await client.databases()
    impossible = await client.plan("absent", "clicks", SCHEMA, database=database)
    assert not impossible.possible
    assert any("absent" in obstacle for obstacle in impossible.obstacles)


async def creating(client: Face, database: str, arn: str) -> None:
    def create(schema: object) -> Awaitable[Any]:
        return client.create_table(
            "clicks",
            "clicks",
            schema,
            database=database,
            create_database=True,
            delivery="consumer",
            start_position="oldest",
            order_by=["at"],
        )

    created = await create(SCHEMA)
    assert created.success and created.stream_arn == arn
    assert (await client.databases())[database] == ["clicks"]
    sql = "SELECT toString(uuid) AS uuid, sorting_key FROM system.tables WHERE database = {database:String}"
    (table,) = (await client.query(sql, {"database": database})).rows()
    assert table == {"uuid": created.table_uuid, "sorting_key": "at"}
    # The same again is the same; another is refused.
    assert (await create(SCHEMA)).source_id == created.source_id
    with pytest.raises(helios.AlreadyExistsError, match="another way"):
        await create({**SCHEMA, "user_id": "UInt16"})
    (source,) = await client.sources()
    assert (source.id, source.stream_arn, source.table_uuid) == (created.source_id, arn, created.table_uuid)
    assert (source.table_name, source.database_name) == ("clicks", database)
    assert (source.state, source.delivery, source.trigger, source.problems) == ("active", "consumer", None, [])


async def pausing(client: Face, database: str) -> None:
    (source,) = await client.sources()
    assert (await client.pause(source)).state == "paused"
    assert (await client.sources())[0].state == "paused"
    assert (await client.resume(f"{database}.clicks")).state == "active"
    assert (await client.sources())[0].state == "active"
    with pytest.raises(helios.NotFoundError, match="absent"):
        await client.pause(f"{database}.absent")


async def delivering(client: Face, database: str, arn: str) -> None:
    before = await client.delivery_report("clicks", database=database)
    assert (before.received, before.shards[0].state, before.counted) == (0, "waiting", None)
    report = await consume(client, "clicks")
    assert (report.stream_arn, report.ended) == (arn, "caughtUp")
    assert (report.received, report.delivered, report.quarantined, report.duplicates_skipped) == (45, 40, 5, 0)
    assert [(shard.shard, shard.delivered, shard.error) for shard in report.shards] == [(SHARD, 40, None)]
    # Once is enough.
    assert (await consume(client, "clicks")).delivered == 0
    # By itself it goes on in the background, and whoever asks again gets it again.
    consumer = await client.consume("clicks")
    assert await client.consumers() == [consumer]
    assert await client.consume("clicks") is consumer
    with pytest.raises(helios.ConflictError, match="other options"):
        await consume(client, "clicks")
    with pytest.raises(helios.HeliosTimeoutError, match="still runs"):
        await awaited(consumer.wait(0.01))
    stopped = await awaited(consumer.stop())
    assert (stopped.ended, stopped.delivered, consumer.running) == ("stopped", 0, False)
    assert await client.consumers() == []
    delivered = await client.delivery_report("clicks", database=database, stream="clicks", count_rows=True)
    delivered.check()
    assert delivered.balanced and delivered.errors == []
    assert (delivered.received, delivered.inserted, delivered.quarantined) == (45, 40, 5)
    assert delivered.quarantine == helios.QuarantineCounts(events=5, replayed=0, discarded=0)
    assert delivered.counted == helios.RowCount(rows=40, expected=40, under_way=0)
    (shard,) = delivered.shards
    assert (shard.state, shard.lag_seconds, shard.trouble, shard.gaps) == ("caughtUp", 0, None, [])
    rows = (await client.query(f"SELECT * FROM {database}.clicks ORDER BY at")).rows()
    assert rows == [
        {**event, "at": dt.datetime.fromisoformat(str(event["at"]).replace("Z", "+00:00"))} for event in FITTING
    ]


async def querying(client: Face, database: str) -> None:
    sql = "SELECT user_id FROM clicks WHERE page = {page:String} ORDER BY user_id"
    given = {"page": "/cart"}
    expected = [number for number in range(40) if number % 3 == 0]
    result = await client.query(sql, given, database=database)
    assert result.columns == [helios.Column("user_id", "UInt8")]
    assert [row["user_id"] for row in result] == expected
    assert pyarrow.table(result).column("user_id").to_pylist() == expected
    answer = json.loads(await client.query_json(sql, given, database=database))
    assert [row["user_id"] for row in answer["data"]] == expected
    assert answer["metadata"] == {
        "query": sql,
        "row_count": len(expected),
        "column_names": ["user_id"],
        "column_types": ["UInt8"],
    }
    chunks = await pieces(await client.query_bytes(sql, given, database=database, format="csv"))
    assert list(csv.reader(io.StringIO(b"".join(chunks).decode()))) == [["user_id"], *([str(n)] for n in expected)]
    batches = await pieces(await client.query_arrow(sql, given, database=database))
    assert [row["user_id"] for batch in batches for row in batch] == expected
    with pytest.raises(helios.PermissionDeniedError, match="read-only"):
        await client.query("DROP TABLE clicks", database=database, read_only=True)


async def a_query_under_way(client: Face) -> None:
    query_id = f"under-way-{uuid.uuid4().hex}"
    batches = await client.query_arrow("SELECT number FROM system.numbers", query_id=query_id)
    assert len(await piece(batches)) > 0
    progress = await client.query_progress(query_id)
    assert progress.query_id == query_id
    assert progress.read_rows > 0
    assert await client.cancel_query(query_id) is True
    with pytest.raises(helios.QueryCancelledError):
        await pieces(batches)
    limit = time.monotonic() + 10
    while await client.query_progress(query_id) is not None:
        assert time.monotonic() < limit, "the query goes on"
    assert await client.cancel_query(query_id) is False


async def rejects(client: Face, database: str) -> None:
    summary = await client.quarantine("clicks", database=database)
    assert summary.total == 5
    assert {(group.error_type, group.path): group.events for group in summary.groups} == {
        ("out_of_range", "$.user_id"): 3,
        ("type_mismatch", "$.user_id"): 1,
        ("malformed_json", None): 1,
    }
    assert (await client.quarantine("clicks", database=database, error_type="type_mismatch")).total == 1
    pages = [
        await client.quarantine_show("clicks", database=database, error_type="out_of_range", limit=2, offset=offset)
        for offset in (0, 2)
    ]
    assert [(page.total, len(page.rejects)) for page in pages] == [(3, 2), (3, 1)]
    shown = [json.loads(reject.raw_data) for page in pages for reject in page.rejects]
    assert sorted(shown, key=lambda event: event["user_id"]) == TOO_LARGE

    assert (await client.quarantine_replay("clicks", database=database)).replayed == 0
    await client.query(f"ALTER TABLE {database}.clicks MODIFY COLUMN user_id UInt16")
    tried = await client.quarantine_replay("clicks", database=database, dry_run=True)
    assert (tried.dry_run, tried.considered, tried.fit, tried.replayed) == (True, 5, 3, 0)
    replayed = await client.quarantine_replay("clicks", database=database)
    assert (replayed.dry_run, replayed.considered, replayed.fit, replayed.replayed) == (False, 5, 3, 3)
    assert {group.error_type for group in replayed.remaining} == {"type_mismatch", "malformed_json"}
    assert (await client.quarantine_replay("clicks", database=database)).replayed == 0
    late = await client.query(f"SELECT user_id FROM {database}.clicks WHERE user_id > 255 ORDER BY user_id")
    assert [row["user_id"] for row in late] == [300, 301, 302]

    assert await client.quarantine_retention("clicks", 30, database=database) == helios.Retention(
        "clicks", database, 30
    )
    assert (await client.quarantine_retention("clicks", None, database=database)).days is None
    discarded = await client.quarantine_discard("clicks", database=database, error_type="malformed_json")
    assert discarded == helios.Discarded(1)
    (left,) = (await client.quarantine("clicks", database=database)).groups
    assert (left.error_type, left.events, left.example.value) == ("type_mismatch", 1, '"ann"')

    report = await client.delivery_report("clicks", database=database, count_rows=True)
    report.check()
    assert report.quarantine == helios.QuarantineCounts(events=1, replayed=3, discarded=1)
    assert report.counted == helios.RowCount(rows=43, expected=43, under_way=0)


async def drifting(client: Face, database: str) -> None:
    drift = await client.schema_drift("clicks", database=database, position="oldest")
    assert (drift.events, drift.fitting, drift.rejected, drift.new_fields) == (45, 43, 2, [])
    later = [{**FITTING[0], "plan": "pro"}, {**FITTING[1], "user_id": 70_000}]
    drift = await client.schema_drift("clicks", database=database, events=later)
    assert (drift.stream_arn, drift.events, drift.fitting) == (None, 2, 1)
    assert [(new.field, new.column.type) for new in drift.new_fields] == [("/plan", "Nullable(String)")]
    assert [(changed.column, changed.type, changed.error_type) for changed in drift.changed] == [
        ("user_id", "UInt16", "out_of_range")
    ]
    await client.query(drift.alter)
    mended = await client.schema_drift("clicks", database=database, events=later)
    assert (mended.fitting, mended.new_fields, mended.changed, mended.alter) == (2, [], [], None)


async def settling(client: Face, database: str, account: Account) -> None:
    with pytest.raises(helios.ConflictError, match=SHARD):
        await client.settle_range("clicks", SHARD, "committed", database=database)
    # What a view refuses after the table has taken it nobody but a person can settle.
    account.create_stream("crates", {"id": 1}, {"id": 2})
    await client.create_table(
        "crates", "crates", {"id": "UInt64"}, database=database, delivery="consumer", start_position="oldest"
    )
    await client.query(f"CREATE TABLE {database}.heavy (id UInt64) ORDER BY id")
    await client.query(
        f"CREATE MATERIALIZED VIEW {database}.to_heavy TO {database}.heavy AS SELECT id FROM {database}.crates"
    )
    await client.query(f"DROP TABLE {database}.heavy SYNC")
    with pytest.raises(helios.NotFoundError, match="heavy"):
        await consume(client, "crates")
    report = await client.delivery_report("crates", database=database)
    assert (report.shards[0].state, report.shards[0].trouble.kind) == ("failing", "failing")
    settled = await client.settle_range("crates", SHARD, "abandon", database=database, stream="crates")
    assert (settled.shard, settled.outcome, settled.range) == (SHARD, "abandon", report.shards[0].open_range)
    after = await client.delivery_report("crates", database=database)
    assert (after.received, after.inserted, after.abandoned, after.shards[0].trouble) == (2, 0, 2, None)
    await client.query(f"DROP TABLE {database}.to_heavy SYNC")


async def repairing(client: Face, database: str) -> None:
    assert await client.repair() == helios.Repair(done=[], left=[])
    await client.query(f"RENAME TABLE {database}.crates TO {database}.boxes")
    assert {source.table_name: source.state for source in await client.sources()} == {
        "clicks": "active",
        "crates": "orphaned",
    }
    repair = await client.repair()
    assert repair.left == []
    assert [(step.table, f"{database}.boxes" in step.what) for step in repair.done] == [(f"{database}.crates", True)]
    assert {source.table_name: source.state for source in await client.sources()} == {
        "clicks": "active",
        "boxes": "active",
    }


async def diagnosing(client: Face, account: Account) -> None:
    diagnosis = await client.doctor()
    checks = {check.check: check for check in diagnosis.checks}
    assert checks["ClickHouse INSERT"].status == "ok"
    assert checks["ClickHouse engine"].detail == (await client.engine_info()).origin
    assert checks["ClickHouse settings"].status == "ok"
    assert account.id in checks["AWS identity"].detail
    # None is deployed here.
    assert not diagnosis.healthy
    assert [check.check for check in diagnosis.checks if check.status == "missing"] == ["delivery function"]
    assert "consumer" in (checks["delivery function"].remedy or "")


async def removing(client: Face, database: str) -> None:
    by_table = {source.table_name: source for source in await client.sources()}
    kept = await client.remove(by_table["boxes"])
    assert (kept.id, kept.table, kept.trigger_deleted) == (by_table["boxes"].id, "keep", False)
    dropped = await client.remove(f"{database}.clicks", table="drop")
    assert (dropped.id, dropped.table_name, dropped.table) == (by_table["clicks"].id, "clicks", "drop")
    assert (await client.databases())[database] == ["boxes"]
    assert await client.sources() == []
    with pytest.raises(helios.NotFoundError, match="clicks"):
        await client.remove(f"{database}.clicks")


async def closing(client: Face) -> None:
    await client.close()
    assert client.client.closed
    await client.close()
    with pytest.raises(helios.InvalidInputError, match="the client is closed"):
        await client.databases()
