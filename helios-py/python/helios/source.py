"""Sources: streams that fill tables."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

from . import _json
from ._checks import json_text, present, text, wrong_type
from ._wire import Answer
from ._wire import read_all as read_answers

_DAY = "%m-%d-%Y"


@dataclass(frozen=True)
class Trigger(Answer):
    """What hands a stream's records to the delivery function."""

    id: str
    """Its UUID in AWS."""
    state: str
    """AWS' word for its state: ``"Enabled"``, ``"Disabled"``, …."""
    last_result: str | None
    """AWS' word for what became of the last batch."""
    batch_size: int
    """How many records at most are handed over at once."""
    window_seconds: int
    """For how many seconds records are gathered."""


@dataclass(frozen=True)
class DeliverySummary(Answer):
    """What was delivered of a source, of all shards together; :meth:`Helios.delivery_report` has each of them."""

    received: int
    """Events that came, as often as they came."""
    inserted: int
    """Events that became rows."""
    quarantined: int
    """Events that went to quarantine."""
    troubled_shards: int
    """Shards with events that do not get into the table."""
    last_event_time: dt.datetime | None
    """When the last event that was delivered arrived in the stream."""


@dataclass(frozen=True)
class Source(Answer):
    """A stream that fills a table."""

    id: str | None
    """Its id, by which it is paused, resumed and removed. ``None`` for what cannot be read."""
    stream_name: str
    """The stream's name."""
    stream_type: str
    """``"kinesis"``"""
    table_name: str
    """The table's name, without its database."""
    created_on: dt.date | None
    """The day of creation, in UTC, as far as it is known."""
    database_name: str
    """The table's database."""
    stream_arn: str
    """The stream's ARN."""
    table_uuid: str | None
    """The table's UUID."""
    state: Literal["pending", "active", "paused", "failing", "orphaned", "removing"]
    """How it stands."""
    delivery: Literal["function", "consumer"]
    """Who delivers."""
    created_by: str | None
    """The user or role that created it, as AWS knows them."""
    trigger: Trigger | None
    """The trigger of its stream, which the stream's other tables share."""
    delivered: DeliverySummary | None
    """What was delivered; ``None`` if that could not be found out."""
    problems: list[str]
    """What is wrong, and what to do, for a person."""

    def to_dict(self) -> dict[str, Any]:
        """The same in the shape and the spelling of the HTTP interface: ``{"streamName": …, "createdOn": "MM-DD-YYYY", …}``."""
        return super().to_dict() | {"createdOn": self.created_on.strftime(_DAY) if self.created_on else ""}


@dataclass(frozen=True)
class SourceRemoved(Answer):
    """What was removed."""

    id: str
    """The source's id."""
    stream_arn: str
    """The stream's ARN."""
    database_name: str
    """The table's database."""
    table_name: str
    """The table's name."""
    table: Literal["keep", "drop"]
    """What became of the table."""
    trigger_deleted: bool
    """Whether the stream's trigger was deleted: it was the last source."""


@dataclass(frozen=True)
class RepairStep(Answer):
    """One thing that was repaired, or was not."""

    id: str | None
    """The source's id, if it has one."""
    table: str
    """The table, ``database.table``."""
    what: str
    """What was done, or what is wrong and what to do."""


@dataclass(frozen=True)
class Repair(Answer):
    """What was repaired, and what was not."""

    done: list[RepairStep]
    """What was done, in order."""
    left: list[RepairStep]
    """What is left for a person."""


def read(answer: str) -> Source:
    """The answer to ``pause`` and ``resume``."""
    return read_all(f"[{answer}]")[0]


def read_all(answer: str) -> list[Source]:
    """The answer to ``sources``."""
    sources = _json.loads(answer)
    for fields in sources:
        day = fields["createdOn"]
        fields["createdOn"] = dt.datetime.strptime(day, _DAY).date() if day else None
    return read_answers(Source, sources)


def named(source: str | Source) -> str:
    """Which source is meant, as JSON."""
    return json_text("source", {"source": name(source)})


def removal(source: str | Source, table: str) -> str:
    """Which source to remove, as JSON."""
    return json_text("source", present(source=name(source), table=text("table", table)))


def name(source: str | Source) -> str:
    if isinstance(source, Source):
        if source.id is None:
            raise wrong_type("source", "a source that can be read", source)
        return source.id
    return text("source", source)
