"""Results as frames of polars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _types
from ._frames import Parts
from ._packages import need
from .column import Column
from .exceptions import InvalidInputError

if TYPE_CHECKING:
    import polars
    import pyarrow


def check(columns: list[Column]) -> None:
    """See to it that polars takes the columns, before anything is read."""
    seen = set()
    for column in columns:
        if column.name in seen:
            raise InvalidInputError(
                f"to_polars: two columns are named {column.name!r}, and polars takes one: name the other with AS",
                operation="to_polars",
                context={"column": column.name},
            )
        seen.add(column.name)
        if _is_foreign(column.type):
            need(f"to_polars of the column {column.name!r}, {column.type},", "pyarrow", "pandas")


def frame(parts: Parts, columns: list[Column]) -> polars.DataFrame:
    """The frame of a result with these columns."""
    types = [column.type for column in columns]
    if any(_may_be_foreign(type) for type in types):
        return _exact(_with_foreign(parts, columns), types)
    return _exact(parts.frame(), types)


def _is_foreign(type: str) -> bool:
    """Whether polars cannot read the Arrow of a column of this ClickHouse type."""
    kind = _types.parse(type)
    if kind.digits is not None:
        return kind.digits > 38
    return kind.name == "Variant" or any(map(_is_foreign, kind.inner))


def _may_be_foreign(type: str) -> bool:
    """The same, or it depends on what the wide integers were to be in Arrow."""
    kind = _types.parse(type)
    return kind.is_wide_integer or _is_foreign(type) or any(map(_may_be_foreign, kind.inner))


def _with_foreign(parts: Parts, columns: list[Column]) -> polars.DataFrame:
    """The frame of columns of which polars cannot read some: it panics."""
    import polars

    try:
        table = parts.table()
    except ImportError:
        # Wide integers alone: as text polars reads them by itself.
        try:
            return parts.frame()
        except polars.exceptions.PanicException:
            need("to_polars of wide integers as decimals", "pyarrow", "pandas")
            raise
    fields = [_texts(field) for field in table.schema]
    read = [number for number, field in enumerate(fields) if not _has_union(field.type)]
    converted = _converted(table, read, [fields[number] for number in read])
    made = dict(zip(read, polars.DataFrame(converted.to_reader()).get_columns(), strict=True))
    for number, column in enumerate(columns):
        if number not in made:
            made[number] = polars.Series(column.name, parts.values(number), polars.Object)
    return polars.DataFrame([made[number] for number in range(len(columns))])


def _converted(table: pyarrow.Table, numbers: list[int], fields: list[pyarrow.Field]) -> pyarrow.Table:
    """These columns of a table, as such fields."""
    import pyarrow

    columns = []
    for number, field in zip(numbers, fields, strict=True):
        pieces = [_with_texts(chunk, table.schema.field(number)) for chunk in table.column(number).chunks]
        columns.append(pyarrow.chunked_array(pieces, field.type))
    return pyarrow.table(columns, schema=pyarrow.schema(fields))


def _exact(frame: polars.DataFrame, types: list[str]) -> polars.DataFrame:
    """The frame, where Arrow has not what ClickHouse has: with enums, and integers of 128 bits."""
    found = frame.schema
    wanted: Any = {name: _wanted(found[name], type) for name, type in zip(frame.columns, types, strict=True)}
    return frame.cast({name: dtype for name, dtype in wanted.items() if dtype != found[name]})


def _wanted(found: Any, type: str) -> Any:
    """The type of polars for a column of a ClickHouse type that came as another."""
    import polars

    kind = _types.parse(type)
    if kind.enum_names is not None:
        return polars.Enum(kind.enum_names)
    if kind.is_wide_integer:
        return getattr(polars, kind.name, found)
    if kind.name == "Array" and isinstance(found, polars.List):
        return polars.List(_wanted(found.inner, kind.inner[0]))
    if kind.name in ("Nested", "Map") and isinstance(found, polars.List) and isinstance(found.inner, polars.Struct):
        return polars.List(_struct(found.inner, kind))
    if kind.name == "Tuple" and isinstance(found, polars.Struct):
        return _struct(found, kind)
    # Before polars 2 there is none.
    of_maps: Any = getattr(polars, "Map", None)
    if kind.name == "Map" and of_maps and isinstance(found, of_maps):
        return of_maps(_wanted(found.key, kind.inner[0]), _wanted(found.value, kind.inner[1]))
    return found


def _struct(found: polars.Struct, kind: _types.Type) -> polars.Struct:
    import polars

    return polars.Struct(
        [
            polars.Field(field.name, _wanted(field.dtype, type))
            for field, type in zip(found.fields, kind.inner, strict=True)
        ]
    )


def _texts(field: pyarrow.Field) -> pyarrow.Field:
    """The field, of texts where polars has no numbers."""
    import pyarrow

    arrow = field.type
    if pyarrow.types.is_decimal256(arrow) or (
        pyarrow.types.is_fixed_size_binary(arrow) and _kind(field).is_wide_integer
    ):
        return field.with_type(pyarrow.string())
    if pyarrow.types.is_list(arrow):
        return field.with_type(pyarrow.list_(_texts(arrow.value_field)))
    if pyarrow.types.is_struct(arrow):
        return field.with_type(pyarrow.struct([_texts(inner) for inner in arrow]))
    if pyarrow.types.is_map(arrow):
        return field.with_type(pyarrow.map_(_texts(arrow.key_field), _texts(arrow.item_field)))
    return field


def _with_texts(array: pyarrow.Array, field: pyarrow.Field) -> pyarrow.Array:
    """The values of such a field."""
    import pyarrow

    arrow, target = array.type, _texts(field).type
    if arrow == target:
        return array
    if pyarrow.types.is_decimal(arrow):
        return pyarrow.array([None if value is None else f"{value:f}" for value in array.to_pylist()], target)
    if pyarrow.types.is_fixed_size_binary(arrow):
        signed = _kind(field).name == "Int256"
        values = array.to_pylist()
        texts = [None if value is None else str(int.from_bytes(value, "little", signed=signed)) for value in values]
        return pyarrow.array(texts, target)
    # Neither an Array nor a Map of ClickHouse can be null.
    if pyarrow.types.is_list(arrow):
        return pyarrow.ListArray.from_arrays(array.offsets, _with_texts(array.values, arrow.value_field), target)
    if pyarrow.types.is_map(arrow):
        keys, items = _with_texts(array.keys, arrow.key_field), _with_texts(array.items, arrow.item_field)
        return pyarrow.MapArray.from_arrays(array.offsets, keys, items, target)
    pieces = [_with_texts(piece, inner) for piece, inner in zip(array.flatten(), arrow, strict=True)]
    return pyarrow.StructArray.from_arrays(pieces, fields=list(target), mask=array.is_null())


def _kind(field: pyarrow.Field) -> _types.Type:
    return _types.parse(field.metadata[b"clickhouse.type"].decode())


def _has_union(arrow: pyarrow.DataType) -> bool:
    import pyarrow

    if pyarrow.types.is_union(arrow):
        return True
    if pyarrow.types.is_map(arrow):
        return _has_union(arrow.key_type) or _has_union(arrow.item_type)
    return pyarrow.types.is_nested(arrow) and any(
        _has_union(arrow.field(number).type) for number in range(arrow.num_fields)
    )
