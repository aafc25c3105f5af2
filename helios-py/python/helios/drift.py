"""Tables, compared with later events."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._checks import json_text, optional_text, present, text
from ._wire import Answer
from .check import SampleReject, given_events
from .column import Column
from .sample import SampleOptions, options

if TYPE_CHECKING:
    from typing_extensions import Unpack


@dataclass(frozen=True)
class NewField(Answer):
    """A field that a table has no column for."""

    field: str
    """Where it is in an event, as a JSON Pointer."""
    column: Column
    """The column that it would have."""
    events: int
    """How many events have a value for it."""
    why: str
    """Why the type."""
    examples: list[str]
    """Some of its values, as JSON."""


@dataclass(frozen=True)
class ChangedColumn(Answer):
    """A column that does not hold what some events have for it."""

    column: str
    """Its name."""
    type: str
    """Its type."""
    events: int
    """How many events it does not hold the value of, or not the whole."""
    error_type: str
    """What is wrong with the first of them: the word, as in the quarantine."""
    message: str
    """The same, for a person."""
    path: str | None
    """Where in the event that is."""
    proposed: str | None
    """The type that would hold what is stored and all of the events; ``None`` if there is none."""
    why: str
    """Why that type, or why none."""


@dataclass(frozen=True)
class SchemaDrift(Answer):
    """How later events differ from the table that they go to, and what would mend it."""

    stream_arn: str | None
    """The stream's ARN; ``None`` if the events were given."""
    database_name: str
    """The table's database."""
    table_name: str
    """The table."""
    events: int
    """How many events were looked at."""
    fitting: int
    """How many of them are rows of the table as it is."""
    rejected: int
    """How many are rejected."""
    rejects: list[SampleReject]
    """The first 100 of these."""
    new_fields: list[NewField]
    """Fields that the table has no column for."""
    changed: list[ChangedColumn]
    """Columns that do not hold what some events have for them."""
    unsent: list[str]
    """Columns for which no event has a value."""
    alter: str | None
    """The statement that mends what can be mended; ``None`` if there is nothing of it."""


def drift_options(
    table: str,
    *,
    database: str,
    stream: str | None,
    events: Iterable[Any] | None,
    **sampling: Unpack[SampleOptions],
) -> str:
    """What to compare, as JSON."""
    given = present(
        tableName=text("table", table),
        databaseName=text("database", database),
        streamName=optional_text("stream", stream),
        events=given_events(events),
        sample=json.loads(options(**sampling)),
    )
    return json_text("events", given)
