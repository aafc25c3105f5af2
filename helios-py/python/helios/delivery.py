"""Delivery: from this process, and what became of it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass

from . import _wire
from ._checks import flag, optional_text, present, seconds, text
from .exceptions import ConflictError
from .sample import Position, position_text


@dataclass(frozen=True)
class ShardProgress(_wire.Answer):
    """What a consumer has done with one shard."""

    shard: str
    """The shard's id."""
    records: int
    """Kinesis records that all tables have."""
    received: int
    """Events that came."""
    delivered: int
    """Events that became rows."""
    quarantined: int
    """Events that went to quarantine."""
    duplicates_skipped: int
    """Events that a table had before."""
    to: str | None
    """The sequence number up to which all tables have the shard; ``None`` before the first batch."""
    ended: bool
    """Whether the shard is closed, and delivered to its end."""
    error: str | None = None
    """Why it does not go on, if it does not. It is tried again until the consumer ends."""


@dataclass(frozen=True)
class ConsumeProgress(_wire.Answer):
    """What a consumer has done so far; its counts are those of a :class:`ConsumeReport`."""

    records: int
    """Kinesis records that all tables have."""
    received: int
    """Events that came."""
    delivered: int
    """Events that became rows."""
    quarantined: int
    """Events that went to quarantine."""
    duplicates_skipped: int
    """Events that a table had before."""
    shards: list[ShardProgress]
    """Each shard that is read, or was."""


@dataclass(frozen=True)
class ConsumeReport(_wire.Answer):
    """What a consumer has done. Events are counted for each table: received = delivered + quarantined + duplicates."""

    stream_name: str
    """The stream's name."""
    stream_arn: str
    """The stream's ARN."""
    ended: str
    """Why it ended: ``"caughtUp"``, ``"stopped"`` or ``"timeLimit"``."""
    seconds: float
    """How long it ran."""
    records: int
    """Kinesis records that all tables have."""
    received: int
    """Events that came."""
    delivered: int
    """Events that became rows."""
    quarantined: int
    """Events that went to quarantine."""
    duplicates_skipped: int
    """Events that a table had before."""
    shards: list[ShardProgress]
    """Each shard that was read."""


OnProgress = Callable[[ConsumeProgress], object]
"""What a consumer calls with what it has done so far. ``False`` stops it."""


@dataclass(frozen=True)
class DeliveryTrouble(_wire.Answer):
    """Why a shard does not go on."""

    kind: str
    """``"failing"``: ClickHouse does not take the events; ``"uncertain"``: whether they are in the table cannot be known."""
    server_code: int | None
    """ClickHouse's number, where it gave one."""
    since: dt.datetime
    """Since when."""


@dataclass(frozen=True)
class DeliveryGap(_wire.Answer):
    """A range of events that were lost before they could be delivered; how many they were nobody knows."""

    after: str
    """The last event before them."""
    before: str
    """The first event after them."""
    since: dt.datetime
    """When that was found out."""


@dataclass(frozen=True)
class ShardReport(_wire.Answer):
    """What became of the events of one shard."""

    shard: str
    """The shard's id; ``"former"`` for the sum of all shards that the stream no longer has."""
    state: str
    """``"caughtUp"``, ``"delivering"``, ``"finished"``, ``"waiting"``, ``"failing"`` or ``"uncertain"``."""
    received: int
    """Events that came, as often as they came."""
    inserted: int
    """Events that became rows."""
    quarantined: int
    """Events that went to quarantine."""
    duplicates: int
    """Events that came again, and were passed over."""
    abandoned: int
    """Events that somebody has given up."""
    from_: str | None
    """The first event that was delivered: sequence number, dot, place in the record."""
    to: str | None
    """The last event that was delivered, and all between the two were."""
    last_event_time: dt.datetime | None
    """When the last event that was delivered arrived in the stream."""
    lag_seconds: float | None
    """How old the oldest undelivered event is; 0 if there is none, ``None`` if that could not be found out."""
    expires_in_seconds: float | None
    """After how long that event expires."""
    open_range: str | None
    """The range that may be in the table, or not: first event, hyphen, last event."""
    trouble: DeliveryTrouble | None
    """Why it does not go on."""
    gaps: list[DeliveryGap]
    """Ranges of events that were lost."""


@dataclass(frozen=True)
class RowCount(_wire.Answer):
    """How many rows Helios has inserted into a table, for all its sources."""

    rows: int
    """Rows that the table has."""
    expected: int
    """Rows that it must have at least: those whose insert has finished."""
    under_way: int
    """Rows that it may have in addition: those whose insert is in progress."""


@dataclass(frozen=True)
class QuarantineCounts(_wire.Answer):
    """The quarantine of a table."""

    events: int
    """Events in it now."""
    replayed: int
    """Events that were replayed into the table since."""
    discarded: int
    """Events that were discarded."""


@dataclass(frozen=True)
class DeliveryReport(_wire.Answer):
    """What became of the events of a source."""

    stream_name: str
    """The stream's name."""
    stream_arn: str
    """The stream's ARN."""
    table_name: str
    """The table's name, without its database."""
    database_name: str
    """The table's database."""
    table_uuid: str
    """The table's UUID."""
    balanced: bool
    """Whether all events that came are accounted for: in every shard received = inserted + quarantined + duplicates +
    abandoned, none is known to be missing or in doubt, no shard has stopped, no events have waited for more than half the
    stream's retention, and the row count matches, if rows were counted."""
    received: int
    """Events that came, as often as they came."""
    inserted: int
    """Events that became rows."""
    quarantined: int
    """Events that went to quarantine."""
    duplicates: int
    """Events that came again, and were passed over."""
    abandoned: int
    """Events that somebody has given up."""
    shards: list[ShardReport]
    """Each shard of the stream, and each that the ledger knows."""
    quarantine: QuarantineCounts
    """What of all this is, or was, in quarantine."""
    counted: RowCount | None
    """The number of rows in the table, compared with what was inserted. ``None`` unless it was asked for and can be counted."""
    errors: list[str]
    """What is wrong, for a person; empty if ``balanced``."""
    warnings: list[str]
    """What puts the delivery at risk, for a person."""

    def check(self) -> None:
        """Raise :class:`ConflictError` with the first of ``errors``, unless the report is balanced."""
        for error in self.errors:
            table = f"{self.database_name}.{self.table_name}"
            context = {"stream": self.stream_name, "table": table}
            raise ConflictError(error, operation="delivery_report", context=context)


@dataclass(frozen=True)
class RangeSettled(_wire.Answer):
    """A range that was settled."""

    shard: str
    """The shard."""
    range: str
    """The first event of the range and its last."""
    outcome: str
    """How."""
    message: str
    """What follows, for a person."""


def consume_options(stream: str, *, until_caught_up: bool, time_limit: float | None, position: Position | None) -> str:
    """What to consume, as JSON."""
    given = present(
        streamName=text("stream", stream),
        untilCaughtUp=flag("until_caught_up", until_caught_up),
        timeLimitSeconds=None if time_limit is None else seconds("time_limit", time_limit),
        position=None if position is None else position_text("position", position),
    )
    return json.dumps(given)


def report_options(table: str, *, database: str, stream: str | None, count_rows: bool) -> str:
    """Which source a report is about, as JSON."""
    given = present(
        tableName=text("table", table),
        databaseName=text("database", database),
        streamName=optional_text("stream", stream),
        countRows=flag("count_rows", count_rows),
    )
    return json.dumps(given)


def settlement(table: str, shard: str, outcome: str, *, database: str, stream: str | None) -> str:
    """Which range to settle, and how, as JSON."""
    given = present(
        tableName=text("table", table),
        databaseName=text("database", database),
        streamName=optional_text("stream", stream),
        shard=text("shard", shard),
        outcome=text("outcome", outcome),
    )
    return json.dumps(given)
