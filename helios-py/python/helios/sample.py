"""What a stream holds."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypedDict, Union

from . import _helios, _wire
from ._checks import count, present, seconds, text, wrong_type
from ._wire import Answer
from .column import TimeUnit
from .schema import Schema

Position = Union[str, dt.datetime]
"""Where in a stream to begin: ``"oldest"``, ``"now"``, or a time with its zone, as text or as ``datetime``."""


@dataclass(frozen=True)
class Suggestion(Answer):
    """Another type that fits the sampled values."""

    type: str
    """The ClickHouse type."""
    why: str
    """What speaks for it, and what is lost if it is wrong."""
    unit: TimeUnit | None = None
    """The unit in which the numbers count the time since 1970, for the column's ``unit``."""


@dataclass(frozen=True)
class ColumnEvidence(Answer):
    """What the type of a column rests on."""

    name: str
    """The column."""
    type: str
    """Its ClickHouse type."""
    present: int
    """Events with a value other than ``null``."""
    null: int
    """Events with ``null``."""
    absent: int
    """Events without the key."""
    kinds: dict[str, int]
    """How many values were of each kind."""
    min: str | None
    """The least number, or the first string, as JSON; ``None`` of other kinds."""
    max: str | None
    """The greatest."""
    distinct: int | None
    """How many different values: exact up to 1,024, else within some percent. ``None`` of lists and objects."""
    examples: list[str]
    """The first different values, as JSON."""
    why: str
    """Why this type, and not a narrower one."""
    confidence: Literal["low", "medium", "high"]
    """How far the sample bears the type out."""
    suggestions: list[Suggestion]
    """Types that a person who knows the stream may prefer."""


@dataclass(frozen=True)
class Proposal(Answer):
    """Keys of a table, and why these."""

    order_by: list[str]
    """The sorting key: columns that are never null; empty for none."""
    partition_by: str | None
    """The partition key."""
    time_column: str | None
    """The column with the time of an event."""
    why: list[str]
    """A reason for each of these."""


@dataclass(frozen=True)
class SampleRecord(Answer):
    """One sampled event, and where it was."""

    shard: str
    """The shard."""
    sequence_number: str
    """The sequence number of its record."""
    sub_sequence: int
    """Its place in the record."""
    arrived_at: dt.datetime
    """When it arrived, roughly."""
    event: dict[str, Any] | None
    """The event; ``None`` for what is none. An integer of more digits than Python reads, 4,300 unless
    ``sys.set_int_max_str_digits`` says otherwise, is text."""
    raw: str | None = None
    """The first 256 bytes of what is no event."""
    why: str | None = None
    """Why it is none."""


@dataclass(frozen=True)
class StreamSample(Answer):
    """A few events of a stream, and the schema that fits them all."""

    sample_event: dict[str, Any] | None
    """One typical event; ``None`` if the sample has none."""
    inferred_schema: Schema
    """The columns that every sampled event fits."""
    samples: list[SampleRecord]
    """The first events, and what was none: at most 10 of each."""
    columns: list[ColumnEvidence]
    """What each column's type rests on, and how sure it is."""
    proposal: Proposal
    """Keys of a table with these columns."""
    create_table_query: str | None
    """The statement that would make such a table, of the stream's name; ``None`` without columns."""
    events_read: int
    """How many events were read."""
    unreadable: int
    """How many of them are no JSON objects."""
    ended_by: Literal["max_events", "max_bytes", "end_of_stream", "time_limit", "stopped", "no_records"]
    """Why there are no more."""
    notes: list[str]
    """What else is worth knowing."""


@dataclass(frozen=True)
class SampleProgress(Answer):
    """How far a sample is."""

    events: int
    """Events that were found."""
    unreadable: int
    """Records that could not be unpacked."""
    bytes: int
    """The bytes of the events."""
    shards: int
    """The shards of the stream."""
    reads: int
    """Pages that were read of them."""


OnSampleProgress = Callable[[SampleProgress], object]
"""Is told how far a sample is; if it returns ``False`` the sample is what was found by then."""


def read(answer: str, events: _helios.SampledEvents | None = None) -> StreamSample:
    """The answer to ``sample``, and the events that it is about."""
    sample = _wire.read(StreamSample, answer)
    sample.inferred_schema.rest_on(sample.columns, events)
    return sample


class Inference(TypedDict, total=False):
    """How types are chosen, where there is a choice. What is left out is at its default."""

    integers: Literal["wide", "narrow"]
    """64 bits and more (``"wide"``, the default), or as few as hold the sampled values."""
    decimals: Literal["float", "decimal"]
    """What numbers with a fraction become: ``"float"`` unless given; ``"decimal"`` reads numbers in quotes, too."""
    nullable: Literal["whereMissing", "never", "always"]
    """Which columns may be null: those of which a value was missing, unless given."""
    objects: Literal["auto", "flatten", "json", "text"]
    """What objects become: tuples, maps or ``JSON`` (``"auto"``, the default), columns of their own for each field
    (``"flatten"``), always ``JSON``, or their text."""
    low_cardinality: bool
    """Whether strings that repeat become ``LowCardinality(String)``: yes unless given."""


class SampleOptions(TypedDict, total=False):
    """How to read a sample. What is left out is at its default."""

    max_events: int | None
    """How many events are enough: 1 to 10,000; 100 unless given."""
    position: Position | None
    """Where to begin: recent history, then new arrivals, unless given."""
    until: dt.datetime | str | None
    """Up to when: what arrived before; up to the present end unless given."""
    time_limit: float | None
    """How many seconds it may take: at most 60; 10 unless given."""
    inference: Inference | None
    """How types are chosen, where there is a choice."""


def options(
    *,
    max_events: int | None = None,
    position: Position | None = None,
    until: dt.datetime | str | None = None,
    time_limit: float | None = None,
    inference: Inference | None = None,
) -> str:
    """The options of a sample as JSON."""
    given = present(
        maxEvents=None if max_events is None else count("max_events", max_events),
        position=None if position is None else position_text("position", position),
        until=_wire.time_text("until", until),
        timeLimitSeconds=None if time_limit is None else seconds("time_limit", time_limit),
        inference=None if inference is None else _inference(inference),
    )
    return json.dumps(given)


def _inference(given: object) -> dict[str, str | bool]:
    if not isinstance(given, dict):
        raise wrong_type("inference", "a dict", given)
    options: dict[str, str | bool] = {}
    for name, value in given.items():
        place = f"inference[{text('inference: the name of an option', name)!r}]"
        if not isinstance(value, (str, bool)):
            raise wrong_type(place, "a str or a bool", value)
        options[_wire.wire_name(name)] = value if isinstance(value, bool) else text(place, value)
    return options


def position_text(name: str, value: object) -> str:
    """A position as Helios reads it."""
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, str):
        return text(name, value)
    raise wrong_type(name, "a str or a datetime", value)
