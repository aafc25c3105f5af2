"""What a stream holds."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any, Union

from ._checks import count, present, seconds, wrong_type
from .column import Column

Position = Union[str, dt.datetime]
"""Where in a stream to begin: ``"oldest"``, ``"now"``, or a time with its zone, as text or as ``datetime``."""


@dataclass(frozen=True)
class ColumnEvidence:
    """What was observed of one column, and what follows."""

    name: str
    """The column."""
    present: int
    """Events with a value other than ``null``."""
    null: int
    """Events with ``null``."""
    absent: int
    """Events without the key."""
    kinds: dict[str, int]
    """How many values were of each kind."""
    examples: list[str]
    """The first different values, as JSON."""
    why: str
    """Why this type, and not a narrower one."""

    def to_dict(self) -> dict[str, Any]:
        """``{"name": …, "present": …, "null": …, "absent": …, "kinds": {…}, "examples": […], "why": …}``"""
        return {
            "name": self.name,
            "present": self.present,
            "null": self.null,
            "absent": self.absent,
            "kinds": self.kinds,
            "examples": self.examples,
            "why": self.why,
        }


@dataclass(frozen=True)
class StreamSample:
    """A few events of a stream, and the schema that fits them all."""

    sample_event: dict[str, Any] | None
    """One typical event; ``None`` if the sample has none."""
    inferred_schema: list[Column]
    """The columns that every sampled event fits."""
    order_by: list[str]
    """A sorting key that suits them."""
    partition_by: str | None
    """A partition key that suits them."""
    events_read: int
    """How many events were read."""
    unreadable: int
    """How many of them are no JSON objects."""
    evidence: list[ColumnEvidence]
    """Why each column has its type."""
    notes: list[str]
    """What else is worth knowing."""

    def to_dict(self) -> dict[str, Any]:
        """``{"sampleEvent": {…}, "inferredSchema": [{"name": …, "type": …}], …}``"""
        return {
            "sampleEvent": self.sample_event,
            "inferredSchema": [column.to_dict() for column in self.inferred_schema],
            "orderBy": self.order_by,
            "partitionBy": self.partition_by,
            "eventsRead": self.events_read,
            "unreadable": self.unreadable,
            "evidence": [column.to_dict() for column in self.evidence],
            "notes": self.notes,
        }


def read(answer: str) -> StreamSample:
    """The answer to ``kinesis_sample``."""
    fields = json.loads(answer)
    return StreamSample(
        sample_event=fields["sampleEvent"],
        inferred_schema=[Column(column["name"], column["type"]) for column in fields["inferredSchema"]],
        order_by=fields["orderBy"],
        partition_by=fields["partitionBy"],
        events_read=fields["eventsRead"],
        unreadable=fields["unreadable"],
        evidence=[ColumnEvidence(**column) for column in fields["evidence"]],
        notes=fields["notes"],
    )


def options(*, max_events: int | None, position: Position | None, time_limit: float | None) -> str:
    """The options of a sample as JSON."""
    given = present(
        maxEvents=None if max_events is None else count("max_events", max_events),
        position=None if position is None else position_text("position", position),
        timeLimitSeconds=None if time_limit is None else seconds("time_limit", time_limit),
    )
    return json.dumps(given)


def position_text(name: str, value: object) -> str:
    """A position as Helios reads it."""
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, str):
        return value
    raise wrong_type(name, "a str or a datetime", value)
