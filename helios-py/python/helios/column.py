"""Columns, and schemas made of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ._checks import text, wrong_type
from ._wire import Answer


@dataclass(frozen=True)
class Column(Answer):
    """A column: its name and its ClickHouse type."""

    name: str
    type: str


Schema = Iterable["Column | tuple[str, str] | Mapping[str, str]"] | Mapping[str, str]
"""A list of columns, each a :class:`Column`, a pair or a dict of ``name`` and ``type``; or a dict from name to type."""


def columns(schema: Schema) -> list[Column]:
    """The columns of a schema, in whichever way it is written."""
    if isinstance(schema, Mapping):
        return [_column(f"schema[{name!r}]", name, data_type) for name, data_type in schema.items()]
    if isinstance(schema, str) or not isinstance(schema, Iterable):
        raise wrong_type("schema", "a list of columns or a dict from name to type", schema)
    return [_read(f"schema[{index}]", entry) for index, entry in enumerate(schema)]


def _read(place: str, entry: object) -> Column:
    if isinstance(entry, Column):
        return _column(place, entry.name, entry.type)
    if isinstance(entry, Mapping) and entry.keys() == {"name", "type"}:
        return _column(place, entry["name"], entry["type"])
    if isinstance(entry, (tuple, list)) and len(entry) == 2:
        return _column(place, *entry)
    raise TypeError(f"{place} must be a Column, a pair (name, type) or a dict with `name` and `type`")


def _column(place: str, name: object, data_type: object) -> Column:
    return Column(text(f"the name in {place}", name), text(f"the type in {place}", data_type))
