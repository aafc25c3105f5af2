"""Schemas, checked with events before a table is made."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._checks import json_text, optional_text, present, text, texts, wrong_type
from ._wire import Answer
from .column import SchemaLike, columns
from .sample import SampleOptions, options
from .schema import Schema

if TYPE_CHECKING:
    from typing_extensions import Unpack


@dataclass(frozen=True)
class SampleReject(Answer):
    """Why a sampled event would be rejected."""

    event: int
    """Which event, counted from 0."""
    error_type: str
    """The word for what is wrong, as in the quarantine: ``"out_of_range"``."""
    message: str
    """What is wrong, for a person."""
    column: str | None
    """The column that it does not fit into, if it is one column's fault."""
    path: str | None
    """Where in the event: ``$.place.tags[2]``."""
    wanted: str | None
    """The ClickHouse type that was wanted there."""
    value: str | None
    """The JSON value that was there, cut at 256 bytes."""


@dataclass(frozen=True)
class SchemaCheck(Answer):
    """What a table would make of sampled events."""

    schema: Schema
    """The columns, as they were edited."""
    events: int
    """How many events were looked at."""
    fitting: int
    """How many of them would be rows."""
    rejected: int
    """How many would be rejected."""
    rejects: list[SampleReject]
    """The first 100 of these."""
    unknown_fields: dict[str, int]
    """Top-level fields for which there is no column, and how many events have each."""
    create_table_query: str
    """The statement that would make the table."""


def check_options(
    stream: str | None,
    *,
    events: Iterable[Any] | None,
    schema: SchemaLike | None,
    edits: Iterable[Mapping[str, Any]],
    table: str | None,
    database: str,
    order_by: Iterable[str] | None,
    partition_by: str | None,
    unknown_fields: str,
    missing_fields: str,
    **sampling: Unpack[SampleOptions],
) -> str:
    """What to check, as JSON."""
    given = present(
        streamName=optional_text("stream", stream),
        events=given_events(events),
        schema=None if schema is None else [column.to_dict() for column in columns(schema)],
        edits=a_list("edits", edits),
        tableName=optional_text("table", table),
        databaseName=text("database", database),
        orderBy=None if order_by is None else texts("order_by", order_by),
        partitionBy=optional_text("partition_by", partition_by),
        unknownFields=text("unknown_fields", unknown_fields),
        missingFields=text("missing_fields", missing_fields),
        sample=json.loads(options(**sampling)),
    )
    return json_text("events, schema and edits", given)


def given_events(given: Iterable[Any] | None) -> list[Any] | None:
    return None if given is None else a_list("events", given)


def a_list(name: str, given: Iterable[Any]) -> list[Any]:
    if isinstance(given, (str, bytes, Mapping)) or not isinstance(given, Iterable):
        raise wrong_type(name, "a list", given)
    return list(given)
