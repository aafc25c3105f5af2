"""Columns of tables and of results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from ._checks import optional_text, text, wrong_type
from ._wire import Answer

TimeUnit = Literal["seconds", "milliseconds", "microseconds", "nanoseconds"]
"""What numbers count that are the time since 1970."""


@dataclass(frozen=True, repr=False)
class Column(Answer):
    """A column: its name and its ClickHouse type, and what else is said of it."""

    name: str
    type: str
    default: Any = ...
    """What stands in for an absent field: ``None``, a bool, a number, a str, or a list of such. ``...``, if not given: the
    type decides."""
    field: str | None = None
    """The field of an event that it is filled from, as a JSON Pointer: ``"/user/id"``. ``None``: the field of its name."""
    unit: TimeUnit | None = None
    """The unit in which numbers count the time since 1970, of a ``DateTime`` or ``DateTime64``. ``None``: integers that are
    times of this century in one of the units, and else the type, decide."""

    def _shown(self) -> dict[str, object]:
        said = {
            "default": "" if self.default is ... else self.default,
            "field": self.field or "",
            "unit": self.unit or "",
        }
        return {"name": self.name, "type": self.type, **said}

    def __repr__(self) -> str:
        more = "" if self.default is ... else f", default={self.default!r}"
        more += "" if self.field is None else f", field={self.field!r}"
        more += "" if self.unit is None else f", unit={self.unit!r}"
        return f"Column(name={self.name!r}, type={self.type!r}{more})"


SchemaLike = Iterable["Column | tuple[str, str] | Mapping[str, Any]"] | Mapping[str, str]
"""A list of columns, each a :class:`Column`, a pair or a dict of ``name`` and ``type``; or a dict from name to type."""

_KEYS = {"name", "type", "default", "field", "unit"}


def columns(schema: SchemaLike) -> list[Column]:
    """The columns of a schema, in whichever way it is written."""
    if isinstance(schema, Mapping):
        return [
            _column(f"schema[{text('the name in schema', name)!r}]", name, data_type)
            for name, data_type in schema.items()
        ]
    if isinstance(schema, str) or not isinstance(schema, Iterable):
        raise wrong_type("schema", "a list of columns or a dict from name to type", schema)
    return [_read(f"schema[{index}]", entry) for index, entry in enumerate(schema)]


def _read(place: str, entry: object) -> Column:
    if isinstance(entry, Column):
        return _column(place, entry.name, entry.type, entry.default, entry.field, entry.unit)
    if isinstance(entry, Mapping) and {"name", "type"} <= entry.keys() <= _KEYS:
        more = entry.get("default", ...), entry.get("field"), entry.get("unit")
        return _column(place, entry["name"], entry["type"], *more)
    if isinstance(entry, (tuple, list)) and len(entry) == 2:
        return _column(place, *entry)
    raise TypeError(f"{place} must be a Column, a pair (name, type) or a dict with `name` and `type`")


def _column(
    place: str, name: object, data_type: object, default: object = ..., field: object = None, unit: object = None
) -> Column:
    return Column(
        text(f"the name in {place}", name),
        text(f"the type in {place}", data_type),
        default,
        optional_text(f"the field in {place}", field),
        cast("TimeUnit | None", optional_text(f"the unit in {place}", unit)),
    )
