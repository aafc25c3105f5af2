"""Schemas: lists of columns that can be changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from . import _helios, _html, _json
from ._checks import json_text, optional_text, text
from .column import Column, SchemaLike, TimeUnit, columns
from .exceptions import InvalidInputError

if TYPE_CHECKING:
    from .check import SchemaCheck
    from .sample import ColumnEvidence


class Schema(list[Column]):
    """Columns that can be changed before a table is made of them. Each change gives another schema.

    >>> schema = helios.Schema([("userId", "UInt64"), ("debug", "String")])
    >>> schema.rename("userId", "user_id").drop("debug").add("plan", "String", default="free")
    [Column(name='user_id', type='UInt64', field='/userId'), Column(name='plan', type='String', default='free')]

    That of a sample knows, whatever is changed of it, what its types rest on, and which of the sampled events it fits:

    >>> schema = client.sample("clicks").inferred_schema
    >>> schema.evidence["page"].kinds
    {'string': 3}
    >>> [reject.value for reject in schema.retype("user_id", "UInt8").check().rejects]
    ['300']
    """

    _evidence: dict[str, ColumnEvidence]
    _events: _helios.SampledEvents | None

    def __init__(self, schema: SchemaLike = ()) -> None:
        super().__init__(columns(schema))
        self._evidence = schema._evidence if isinstance(schema, Schema) else {}
        self._events = schema._events if isinstance(schema, Schema) else None

    def rest_on(self, evidence: Iterable[ColumnEvidence], events: _helios.SampledEvents | None) -> None:
        """Remember the sample that this schema was inferred from."""
        found = {column.name: column for column in evidence}
        self._evidence = {_field(column): found[column.name] for column in self if column.name in found}
        self._events = events

    @property
    def evidence(self) -> dict[str, ColumnEvidence]:
        """What the type of each column rested on in the sample, by the column's name now; nothing without a sample."""
        known = self._evidence
        return {column.name: known[field] for column in self if (field := _field(column)) in known}

    def check(
        self,
        events: Iterable[Any] | None = None,
        *,
        table: str | None = None,
        database: str = "default",
        order_by: Iterable[str] | None = None,
        partition_by: str | None = None,
        unknown_fields: Literal["ignore", "quarantine", "addColumn"] = "ignore",
        missing_fields: Literal["reject", "zeroValue"] = "reject",
    ) -> SchemaCheck:
        """Say which of the sampled events a table of these columns would not take, and why. Nothing is read or made.

        ``events`` are others to look at. The options mean what they mean to :meth:`Helios.create_table`.

        >>> helios.Schema({"id": "UInt8"}).check([{"id": 1}, {"id": 300}]).rejects[0].message
        "column `id`: UInt8 cannot hold 300 unchanged; send a value that fits, or change the column's type"

        Raises :class:`InvalidInputError` for columns that no table can have, and where there are no events.
        """
        if events is None and self._events is None:
            raise InvalidInputError("this schema comes from no sample: give the events to check it with")
        return self._checked(
            events,
            table=table,
            database=database,
            order_by=order_by,
            partition_by=partition_by,
            unknown_fields=unknown_fields,
            missing_fields=missing_fields,
        )

    def create_table_query(
        self,
        table: str = "events",
        *,
        database: str = "default",
        order_by: Iterable[str] | None = None,
        partition_by: str | None = None,
    ) -> str:
        """The statement that would make a table of these columns.

        >>> print(helios.Schema({"id": "UInt64"}).create_table_query("clicks"))
        CREATE TABLE `default`.`clicks`...
        """
        options = {"unknown_fields": "ignore", "missing_fields": "reject"}
        none: list[Any] = []
        checked = self._checked(
            none, table=table, database=database, order_by=order_by, partition_by=partition_by, **options
        )
        return checked.create_table_query

    def _checked(self, events: Iterable[Any] | None, **options: Any) -> SchemaCheck:
        from . import check
        from ._wire import read

        spec = check.check_options(None, events=events, schema=self, edits=(), **options)
        return read(check.SchemaCheck, _helios.check_events(spec, self._events if events is None else None))

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

    def unit(self, column: str, value: TimeUnit | None) -> Schema:
        """Set the unit in which numbers count the time since 1970; with ``None`` the column does not say it."""
        given = {} if value is None else {"value": text("value", value)}
        return self.edit({"unit": {"column": text("column", column), **given}})

    def default(self, column: str, value: Any = ...) -> Schema:
        """Set what stands in for an absent field; without a value the type decides again."""
        given = {} if value is ... else {"value": value}
        return self.edit({"default": {"column": text("column", column), **given}})

    def drop(self, column: str) -> Schema:
        """Take a column away. Its field is one that the table has no column for, then."""
        return self.edit({"drop": {"column": text("column", column)}})

    def add(
        self, name: str, type: str, *, default: Any = ..., field: str | None = None, unit: TimeUnit | None = None
    ) -> Schema:
        """Add a column, as the last, filled from the field of its name or from ``field``, a JSON Pointer."""
        optional_text("unit", unit)
        added = Column(text("name", name), text("type", type), default, optional_text("field", field), unit)
        return self.edit({"add": {"column": added.to_dict()}})

    def edit(self, *edits: Mapping[str, Any]) -> Schema:
        """Make several changes, in the form they have on the wire: ``{"rename": {"column": "a", "to": "b"}}``.

        Raises :class:`InvalidInputError` for a change that cannot be made, naming the column.
        """
        edited = Schema(_json.loads(_helios.edit_schema(self.to_json(), json_text("edits", list(edits)))))
        edited._evidence, edited._events = self._evidence, self._events
        return edited

    def to_json(self) -> str:
        """The columns as JSON: ``[{"name": …, "type": …}, …]``."""
        return json_text("schema", [column.to_dict() for column in self])

    @classmethod
    def from_json(cls, text: str) -> Schema:
        """The schema of which this is the JSON.

        Raises :class:`InvalidInputError` for what is not JSON.
        """
        try:
            schema = _json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InvalidInputError(f"the schema must be JSON: {error}") from None
        return cls(schema)

    def _repr_html_(self) -> str:
        """The columns with what their types rest on, the statement, and which sampled events do not fit."""
        evidence = self.evidence
        columns = _html.table(
            ("column", "type", "default", "field", "unit", "null or absent", "examples", "why"),
            (self._described(column, evidence.get(column.name)) for column in self),
        )
        return columns.text + self._outcome()

    @staticmethod
    def _described(column: Column, evidence: ColumnEvidence | None) -> list[object]:
        said = ["" if column.default is ... else column.default, column.field or "", column.unit or ""]
        if evidence is None:
            return [column.name, column.type, *said, "", "", ""]
        events = evidence.present + evidence.null + evidence.absent
        missing = f"{evidence.null + evidence.absent} of {events}"
        why = evidence.why if column.type == evidence.type else f"inferred: {evidence.type}"
        return [column.name, column.type, *said, missing, ", ".join(evidence.examples), why]

    def _outcome(self) -> str:
        try:
            if self._events is None:
                return _html.statement(self.create_table_query()).text
            check = self.check()
        except InvalidInputError as error:
            return f"<p>{_html.value(str(error)).text}</p>"
        fitting = f"<p>{check.fitting} of {check.events} sampled events fit</p>"
        rejects = _html.table(
            ("event", "column", "wanted", "value", "message"),
            ((r.event, r.column, r.wanted, r.value, r.message) for r in check.rejects[: _html.MAX_ROWS]),
        ).text
        return (
            fitting
            + (rejects + _html.rest(_html.MAX_ROWS, check.rejected, "of them") if check.rejects else "")
            + _html.statement(check.create_table_query).text
        )

    def __reduce__(self) -> tuple[type[Schema], tuple[list[Column]]]:
        # The events stay where they are.
        return (Schema, (list(self),))


def _field(column: Column) -> str:
    """Where the column's value is in an event."""
    return column.field or "/" + column.name.replace("~", "~0").replace("/", "~1")
