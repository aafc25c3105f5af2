"""Schemas: lists of columns that can be changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from . import _helios
from ._checks import json_text, optional_text, text
from .column import Column, SchemaLike, columns


class Schema(list[Column]):
    """Columns that can be changed before a table is made of them. Each change gives another schema.

    >>> schema = Schema([("userId", "UInt64"), ("debug", "String")])
    >>> schema.rename("userId", "user_id").drop("debug").add("plan", "String", default="free")
    [Column(name='user_id', type='UInt64', field='/userId'), Column(name='plan', type='String', default='free')]
    """

    def __init__(self, schema: SchemaLike = ()) -> None:
        super().__init__(columns(schema))

    @classmethod
    def of_wire(cls, value: list[dict[str, Any]]) -> Schema:
        """A schema of an answer."""
        return cls(value)

    def rename(self, column: str, to: str) -> Schema:
        """Give a column another name. It is still filled from the same field of the events."""
        return self.edit({"rename": {"column": text("column", column), "to": text("to", to)}})

    def retype(self, column: str, type: str) -> Schema:
        """Give a column another ClickHouse type."""
        return self.edit({"retype": {"column": text("column", column), "type": text("type", type)}})

    def default(self, column: str, value: Any = ...) -> Schema:
        """Set what stands in for an absent field; without a value the type decides again."""
        given = {} if value is ... else {"value": value}
        return self.edit({"default": {"column": text("column", column), **given}})

    def drop(self, column: str) -> Schema:
        """Take a column away. Its field is one that the table has no column for, then."""
        return self.edit({"drop": {"column": text("column", column)}})

    def add(self, name: str, type: str, *, default: Any = ..., field: str | None = None) -> Schema:
        """Add a column, as the last, filled from the field of its name or from ``field``, a JSON Pointer."""
        added = Column(text("name", name), text("type", type), default, optional_text("field", field))
        return self.edit({"add": {"column": added.to_dict()}})

    def edit(self, *edits: Mapping[str, Any]) -> Schema:
        """Make several changes, in the form they have on the wire: ``{"rename": {"column": "a", "to": "b"}}``.

        Raises :class:`InvalidInputError` for a change that cannot be made, naming the column.
        """
        return Schema(json.loads(_helios.edit_schema(self.to_json(), json_text("edits", list(edits)))))

    def to_json(self) -> str:
        """The columns as JSON: ``[{"name": …, "type": …}, …]``."""
        return json_text("schema", [column.to_dict() for column in self])

    @classmethod
    def from_json(cls, text: str) -> Schema:
        """The schema of which this is the JSON."""
        return cls(json.loads(text))
