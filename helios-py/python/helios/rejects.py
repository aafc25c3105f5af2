"""Rejects: events that did not fit their table, and are kept in quarantine."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict, Union

from ._checks import count, flag, optional_text, present, text
from ._wire import Answer, time_text

if TYPE_CHECKING:
    from typing_extensions import Unpack

Time = Union[str, dt.datetime]
"""A time with its zone, as text or as ``datetime``."""


class Selection(TypedDict, total=False):
    """Which rejects of a table are meant: all, or those that meet every condition given."""

    database: str
    """The table's database, ``default`` unless given."""
    error_type: str | None
    """The reason: ``"out_of_range"``."""
    path: str | None
    """The place in the event: ``"$.tags[2]"``, or ``"$.tags[*]"`` for any element of that list."""
    sequence_number: str | None
    """The record it was in."""
    since: Time | None
    """In quarantine since this time, or later."""
    until: Time | None
    """In quarantine before this time."""


@dataclass(frozen=True)
class StoredReject(Answer):
    """One event in quarantine, with its reason and its bytes."""

    error_type: str
    """The reason: ``"out_of_range"``."""
    error_message: str
    """The reason, for a person."""
    column: str | None
    """The column it did not fit into, if it was one column's fault."""
    path: str | None
    """Where in the event: ``"$.place.tags[2]"``."""
    wanted: str | None
    """The ClickHouse type that was wanted there."""
    value: str | None
    """The JSON value that was there, or its beginning."""
    raw_data: str
    """The event as it came; bytes that are not UTF-8 are shown as U+FFFD."""
    raw_data_base64: str | None
    """The bytes of an event that is not UTF-8."""
    insertion_timestamp: dt.datetime
    """When it was put into quarantine."""
    stream: str
    """The stream's ARN."""
    shard: str
    """The shard."""
    sequence_number: str
    """The sequence number of its record."""
    sub_sequence: int
    """Its place in the record."""
    arrived_at: dt.datetime | None
    """When the record arrived in the stream, as far as is known."""
    schema_version: str
    """The schema that it did not fit."""


@dataclass(frozen=True)
class RejectGroup(Answer):
    """Rejects of one reason and place."""

    error_type: str
    """The reason: ``"out_of_range"``."""
    path: str | None
    """Where in the event, elements of lists as ``[*]``."""
    column: str | None
    """The column it did not fit into."""
    wanted: str | None
    """The ClickHouse type that was wanted."""
    events: int
    """How many events."""
    oldest: dt.datetime
    """When the first of them came into quarantine."""
    newest: dt.datetime
    """When the last of them did."""
    example: StoredReject
    """One of them, the newest; of its bytes the first 4096."""


@dataclass(frozen=True)
class QuarantineSummary(Answer):
    """What of a table's events is in quarantine."""

    total: int
    """How many events."""
    oldest: dt.datetime | None
    """When the first of them came into quarantine."""
    newest: dt.datetime | None
    """When the last of them did."""
    groups: list[RejectGroup]
    """The same by reason and place, the largest group first, at most 1000."""


@dataclass(frozen=True)
class ShownRejects(Answer):
    """Rejects, the newest first."""

    total: int
    """How many there are."""
    rejects: list[StoredReject]
    """Those that were asked for."""


@dataclass(frozen=True)
class RemainingRejects(Answer):
    """Rejects that still do not fit, of one reason and place."""

    error_type: str
    """The reason now."""
    path: str | None
    """Where in the event, elements of lists as ``[*]``."""
    column: str | None
    """The column it does not fit into."""
    wanted: str | None
    """The ClickHouse type that is wanted."""
    events: int
    """How many events."""


@dataclass(frozen=True)
class ReplayReport(Answer):
    """What came of a replay."""

    dry_run: bool
    """Whether it was only tried."""
    considered: int
    """How many rejects were looked at."""
    fit: int
    """How many of them fit the table as it is now."""
    replayed: int
    """How many events have become rows and left the quarantine."""
    message: str
    """The same for a person."""
    remaining: list[RemainingRejects]
    """Why the others do not fit, the largest group first."""


@dataclass(frozen=True)
class Discarded(Answer):
    """What was thrown away."""

    discarded: int
    """How many events."""


@dataclass(frozen=True)
class Retention(Answer):
    """For how long the rejects of a table are kept."""

    table_name: str
    """The table that the events were meant for."""
    database_name: str
    """Its database."""
    days: int | None
    """After so many days ClickHouse deletes them; ``None``: never, as at first."""


def conditions(
    table: str,
    *,
    database: str = "default",
    error_type: str | None = None,
    path: str | None = None,
    sequence_number: str | None = None,
    since: Time | None = None,
    until: Time | None = None,
) -> dict[str, Any]:
    """Which rejects are meant, as in JSON."""
    return present(
        tableName=text("table", table),
        databaseName=text("database", database),
        errorType=optional_text("error_type", error_type),
        path=optional_text("path", path),
        sequenceNumber=optional_text("sequence_number", sequence_number),
        since=time_text("since", since),
        until=time_text("until", until),
    )


def selection(table: str, **selection: Unpack[Selection]) -> str:
    """Which rejects are meant, as JSON."""
    return json.dumps(conditions(table, **selection))


def show(table: str, limit: int | None, offset: int | None, **selection: Unpack[Selection]) -> str:
    """Which rejects are to be shown, as JSON."""
    page = present(
        limit=None if limit is None else count("limit", limit),
        offset=None if offset is None else count("offset", offset),
    )
    return json.dumps(conditions(table, **selection) | page)


def replay(table: str, *, dry_run: bool, **selection: Unpack[Selection]) -> str:
    """Which rejects are to be replayed, as JSON."""
    return json.dumps(conditions(table, **selection) | {"dryRun": flag("dry_run", dry_run)})


def retention(table: str, days: int | None, *, database: str) -> str:
    """For how long rejects are to be kept, as JSON."""
    given: dict[str, Any] = {
        "tableName": text("table", table),
        "databaseName": text("database", database),
        "days": None if days is None else count("days", days),
    }
    return json.dumps(given)
