"""Tables that streams fill."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypedDict

from ._checks import flag, json_text, optional_count, optional_text, present, text, texts
from ._wire import Answer
from .check import SchemaCheck
from .column import SchemaLike, columns
from .sample import Position, SampleOptions, options, position_text

if TYPE_CHECKING:
    from typing_extensions import Unpack


class TableOptions(TypedDict, total=False):
    """What may be said of a table and its source, beside the stream, the name and the schema. Each has a default."""

    database: str
    """The table's database. Default: ``default``."""
    order_by: Iterable[str] | None
    """The sorting key, of columns that are not nullable; an empty list for none. Default: the first column that is a time and
    never null, else none."""
    partition_by: str | None
    """The partition key: a column, or ``toYYYYMM``, ``toDate``, … of one. Default: none."""
    ttl: str | None
    """When rows are deleted: ``at + INTERVAL 90 DAY``, of a column that is a time. Default: never."""
    engine: str | None
    """``MergeTree``, ``ReplacingMergeTree(version)``, ``ReplicatedMergeTree``, …. Default: ``MergeTree``."""
    on_cluster: str | None
    """The cluster on whose nodes the table is made. Default: where the statement is run."""
    provenance: bool
    """Columns for where each row came from. Default: no."""
    start_position: Position
    """Where in the stream to begin. Default: the moment of creation."""
    create_database: bool
    """Make the database if it does not exist. Default: no."""
    existing_table: Literal["allow", "refuse"]
    """Whether a table that exists may be filled, if it fits. Default: ``allow``."""
    add_batch_column: bool
    """Adds the column ``_helios_batch`` to an existing table that does not have it, with an ``ALTER`` that the plan shows. A new
    table always has it. Default: no."""
    delivery: Literal["function", "consumer"]
    """Who delivers. For a consumer no trigger is made. Default: ``function``."""
    batch_size: int | None
    """How many records the function gets at once, 1 to 10,000. Default: 10,000."""
    batching_window_seconds: int | None
    """For how many seconds its records are gathered, 0 to 300. Default: so that a table sees at most ten inserts a second,
    and at least 1."""
    on_failure: str | None
    """Where Lambda sends what it gives up: the ARN of an SQS queue, an SNS topic or an S3 bucket. Default: nowhere."""
    unknown_fields: Literal["ignore", "quarantine", "addColumn"]
    """What becomes of events with fields that the table has not. Default: ``ignore``."""
    missing_fields: Literal["reject", "zeroValue"]
    """What becomes of events that lack a field which cannot be null. Default: ``reject``."""


@dataclass(frozen=True)
class TableCreated(Answer):
    """What was created."""

    success: bool
    """``True``: what fails is an exception."""
    create_table_query: str
    """The table's statement."""
    message: str
    """What was done, for a person."""
    table_uuid: str
    """The table's UUID."""
    stream_arn: str
    """The stream's ARN."""
    source_id: str
    """The source's id."""
    warnings: list[str]
    """What puts the delivery at risk, for a person."""


@dataclass(frozen=True)
class PlanStep(Answer):
    """One step of a create."""

    what: str
    """What it is about: ``"database"``, ``"table"``, ``"batchColumn"``, ``"quarantine"``, ``"mapping"``, ``"trigger"``."""
    action: Literal["create", "use"]
    """What becomes of it."""
    detail: str
    """In words."""


@dataclass(frozen=True)
class Batching(Answer):
    """How records are put together for the function."""

    batch_size: int
    """How many records at most are handed over at once."""
    window_seconds: int
    """For how many seconds records are gathered."""


@dataclass(frozen=True)
class Check(Answer):
    """One thing that was looked at."""

    check: str
    """What was looked at."""
    status: Literal["ok", "missing", "unknown"]
    """How it is."""
    detail: str
    """What was seen, for a person."""
    remedy: str | None
    """What to do, unless it is as it must be."""


@dataclass(frozen=True)
class CreatePlan(Answer):
    """What a create would do."""

    possible: bool
    """Whether nothing is known that would make it fail."""
    obstacles: list[str]
    """What would make it fail, and what to do, for a person."""
    steps: list[PlanStep]
    """What it would do, in order."""
    create_table_query: str
    """The statement that would be run, or the one of the table that is there."""
    stream_arn: str | None
    """The stream's ARN; ``None`` if the stream may not be described."""
    shards: int | None
    """How many open shards the stream has."""
    batching: Batching | None
    """How the stream's records would be put together; ``None`` if a consumer delivers."""
    deduplication_window: int
    """How many inserts back the table would recognise a repeated one."""
    sample: SchemaCheck | None
    """What the table would make of the stream's present events; ``None`` if they could not be sampled."""
    permissions: list[Check]
    """The AWS permissions that are missing, or of which that could not be found out."""
    warnings: list[str]
    """What puts the delivery at risk, for a person."""


@dataclass(frozen=True)
class Diagnosis(Answer):
    """What was looked at."""

    healthy: bool
    """Whether nothing is known to be missing."""
    checks: list[Check]
    """Each thing that was looked at, in order."""


def spec(stream: str, table: str, schema: SchemaLike, **given: Unpack[TableOptions]) -> str:
    """What to create, as JSON."""
    return json_text("schema", _spec(stream, table, schema, **given))


def plan(
    stream: str,
    table: str,
    schema: SchemaLike,
    sample: SampleOptions | None,
    **given: Unpack[TableOptions],
) -> str:
    """What to plan, as JSON."""
    sampling = {} if sample is None else {"sample": json.loads(options(**sample))}
    return json_text("schema", _spec(stream, table, schema, **given) | sampling)


def _spec(
    stream: str,
    table: str,
    schema: SchemaLike,
    *,
    database: str = "default",
    order_by: Iterable[str] | None = None,
    partition_by: str | None = None,
    ttl: str | None = None,
    engine: str | None = None,
    on_cluster: str | None = None,
    provenance: bool = False,
    start_position: Position = "now",
    create_database: bool = False,
    existing_table: str = "allow",
    add_batch_column: bool = False,
    delivery: str = "function",
    batch_size: int | None = None,
    batching_window_seconds: int | None = None,
    on_failure: str | None = None,
    unknown_fields: str = "ignore",
    missing_fields: str = "reject",
) -> dict[str, object]:
    return present(
        streamName=text("stream", stream),
        tableName=text("table", table),
        databaseName=text("database", database),
        schema=[column.to_dict() for column in columns(schema)],
        orderBy=None if order_by is None else texts("order_by", order_by),
        partitionBy=optional_text("partition_by", partition_by),
        ttl=optional_text("ttl", ttl),
        engine=optional_text("engine", engine),
        onCluster=optional_text("on_cluster", on_cluster),
        provenance=flag("provenance", provenance),
        startPosition=position_text("start_position", start_position),
        createDatabase=flag("create_database", create_database),
        existingTable=text("existing_table", existing_table),
        addBatchColumn=flag("add_batch_column", add_batch_column),
        delivery=text("delivery", delivery),
        batchSize=optional_count("batch_size", batch_size),
        batchingWindowSeconds=optional_count("batching_window_seconds", batching_window_seconds),
        onFailure=optional_text("on_failure", on_failure),
        unknownFields=text("unknown_fields", unknown_fields),
        missingFields=text("missing_fields", missing_fields),
    )
