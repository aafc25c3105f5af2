"""Streams, and events for them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Union
from uuid import UUID

from . import _json
from ._checks import LONE_SURROGATE, has_lone_surrogate, optional_text, text, wrong_type
from ._wire import Answer
from ._wire import read_all as read_answers
from .exceptions import InvalidInputError

Event = Union[Mapping[str, Any], str, bytes]
"""A dict, or the JSON of an object as text. In a dict times become ISO 8601, ``Decimal`` and ``UUID`` text."""

# What is handed over at once: many calls of Kinesis, and little memory.
_PART_EVENTS = 5_000
_PART_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Stream(Answer):
    """A Kinesis stream. What an emulator does not tell is ``None``."""

    stream_name: str
    """The name."""
    stream_arn: str | None
    """The ARN."""
    status: str | None
    """Kinesis' word for its state: ``"ACTIVE"``."""
    mode: str | None
    """Kinesis' word for how it is paid and scaled: ``"PROVISIONED"``, ``"ON_DEMAND"``."""
    created_at: dt.datetime | None
    """When it was created."""


@dataclass(frozen=True)
class EventsPut(Answer):
    """What was put into a stream."""

    stream_name: str
    """The stream, as it was named."""
    events: int
    """How many events."""
    bytes: int
    """Their bytes."""
    throttled: int
    """How often an event had to be put again because the stream was busy. More shards help."""

    def and_then(self, more: EventsPut) -> EventsPut:
        """Both together."""
        return dataclasses.replace(
            self,
            events=self.events + more.events,
            bytes=self.bytes + more.bytes,
            throttled=self.throttled + more.throttled,
        )


OnEventsPut = Callable[[EventsPut], object]
"""What is called with what was put so far. ``False`` ends it there."""


def read_all(answer: str) -> list[Stream]:
    """The answer to ``streams``."""
    return read_answers(Stream, _json.loads(answer))


class Parts:
    """Events, part by part, as the JSON of what to put."""

    def __init__(self, stream: str, partition_key: str | None) -> None:
        self._head = json.dumps(text("stream", stream))
        key = optional_text("partition_key", partition_key)
        self._tail = "" if key is None else f',"partitionKey":{json.dumps(key)}'
        self._events: list[str] = []
        self._bytes = 0
        self._done = 0

    def add(self, event: object) -> str | None:
        """Add an event. If the part is full, it is returned, and the next one begins."""
        event_text = _text(self._done + len(self._events), event)
        self._events.append(event_text)
        self._bytes += len(event_text)
        return self.end() if len(self._events) == _PART_EVENTS or self._bytes >= _PART_BYTES else None

    def end(self) -> str:
        """The part as it is."""
        part = (
            f'{{"streamName":{self._head},"firstEvent":{self._done},"events":[{",".join(self._events)}]{self._tail}}}'
        )
        self._done += len(self._events)
        self._events, self._bytes = [], 0
        return part

    def of(self, events: Iterable[object]) -> Iterator[str]:
        """The parts of some events. There is at least one, so that a closed client is told, and what can be no stream."""
        if isinstance(events, (str, bytes, Mapping)) or not isinstance(events, Iterable):
            raise wrong_type("events", "an iterable of events", events)
        for event in events:
            if (part := self.add(event)) is not None:
                yield part
        if self._events or not self._done:
            yield self.end()

    async def of_any(self, events: Iterable[object] | AsyncIterable[object]) -> AsyncIterator[str]:
        """The same of events that may have to be awaited."""
        if not isinstance(events, AsyncIterable):
            for part in self.of(events):
                yield part
            return
        async for event in events:
            if (full := self.add(event)) is not None:
                yield full
        if self._events or not self._done:
            yield self.end()


def _text(number: int, event: object) -> str:
    event_text = _json_text(number, event)
    if has_lone_surrogate(event_text):
        raise _wrong(number, f"the event contains {LONE_SURROGATE}")
    return event_text


def _json_text(number: int, event: object) -> str:
    if isinstance(event, Mapping):
        try:
            return json.dumps(event, allow_nan=False, ensure_ascii=False, separators=(",", ":"), default=_plain)
        except (TypeError, ValueError, RecursionError) as error:
            raise _wrong(number, f"this cannot be an event: {error}") from None
    if isinstance(event, (bytes, bytearray)):
        try:
            event = bytes(event).decode()
        except UnicodeDecodeError:
            raise _wrong(number, "an event is JSON in UTF-8, and this is not UTF-8") from None
    if not isinstance(event, str):
        raise wrong_type(f"events[{number}]", "a dict, a str or bytes", event)
    try:
        # Python takes NaN and infinities, which JSON has not, and no integers of any length, which JSON has.
        json.loads(event, parse_constant=_no_json, parse_int=str)
    except (ValueError, RecursionError) as error:
        # Only where: an event may hold what is nobody's business.
        raise _wrong(number, f"an event is JSON, and this is not: {error}") from None
    return event.strip()


def _no_json(constant: str) -> object:
    raise ValueError(f"{constant} is no value of JSON")


def _plain(value: object) -> object:
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, (Decimal, UUID)):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    # The scalars of numpy, and of whatever is built on it.
    if callable(item := getattr(value, "item", None)):
        return item()
    raise TypeError(f"JSON has nothing for {type(value).__name__}")


def _wrong(number: int, message: str) -> InvalidInputError:
    return InvalidInputError(f"{message} {{event: {number}}}", operation="put_events", context={"event": str(number)})
