"""Results as frames of pandas."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from . import _types
from ._frames import Parts
from .column import Column

if TYPE_CHECKING:
    import pandas
    import pyarrow


def frame(parts: Parts, columns: list[Column]) -> pandas.DataFrame:
    """The frame of a result with these columns."""
    import pandas

    table, numbers = parts.table(), range(len(columns))
    own = {
        number: _column(table.column(number), columns[number].type, partial(parts.values, number)) for number in numbers
    }
    # By their numbers: two may have one name.
    plain = [number for number in numbers if own[number] is None]
    arrow = table.select(plain).rename_columns([str(number) for number in plain])
    converted = arrow.to_pandas(date_as_object=False, ignore_metadata=True)
    if len(plain) < len(numbers):
        made = {number: converted[str(number)] if own[number] is None else own[number] for number in numbers}
        converted = pandas.DataFrame(made, index=pandas.RangeIndex(table.num_rows), copy=False)
    converted.columns = pandas.Index(table.column_names)
    return converted


def _column(chunks: pyarrow.ChunkedArray, type: str, values: Callable[[], list[Any]]) -> Any:
    """The column; `None` where pyarrow makes it as it is to be."""
    import pandas
    import pyarrow

    arrow, kind = chunks.type, _types.parse(type)
    if kind.is_wide_integer or kind.is_json or (pyarrow.types.is_nested(arrow) and not _has_numbers(arrow)):
        return pandas.Series(values(), dtype=object)
    if pyarrow.types.is_dictionary(arrow):
        if kind.enum_names is not None:
            return _chosen(chunks, kind.enum_names)
        if pyarrow.types.is_string(arrow.value_type):
            return _repeated(chunks)
        chunks = chunks.cast(arrow.value_type)
    if chunks.null_count and pyarrow.types.is_boolean(chunks.type):
        return pandas.BooleanDtype().__from_arrow__(chunks)
    if chunks.null_count and pyarrow.types.is_integer(chunks.type):
        bits, letter = chunks.type.bit_width, "" if pyarrow.types.is_signed_integer(chunks.type) else "U"
        return getattr(pandas, f"{letter}Int{bits}Dtype")().__from_arrow__(chunks)
    return None if chunks.type == arrow else chunks.to_pandas(date_as_object=False)


def _has_numbers(arrow: pyarrow.DataType) -> bool:
    """Whether it is of lists that pyarrow makes arrays of numpy of, with the numbers as they are."""
    import pyarrow

    if not pyarrow.types.is_list(arrow) or arrow.value_field.nullable:
        return False
    return bool(pyarrow.types.is_integer(arrow.value_type) or pyarrow.types.is_floating(arrow.value_type))


def _chosen(chunks: pyarrow.ChunkedArray, names: list[str]) -> pandas.Categorical:
    """An enum: all of its names, in its order."""
    import pandas

    return pandas.Categorical.from_codes(_codes(chunks, len(names)), names, ordered=True)


def _repeated(chunks: pyarrow.ChunkedArray) -> pandas.Categorical:
    """Texts that repeat: those that occur. ClickHouse's dictionary has others too, and the empty text always."""
    import numpy
    import pandas
    import pyarrow
    import pyarrow.compute

    chunks = chunks.unify_dictionaries()
    texts = chunks.chunk(0).dictionary if chunks.num_chunks else pyarrow.array([], chunks.type.value_type)
    codes = _codes(chunks, len(texts))
    used = _used(codes, len(texts))
    # Texts that are not UTF-8 may have become the same.
    distinct = texts.take(pyarrow.array(used)).dictionary_encode()
    unused = len(texts) - len(distinct.dictionary)
    if unused and not chunks.null_count and len(used) == len(distinct.dictionary) and used[:1] == unused:
        # As a rule it is the first, the empty one, alone.
        codes -= unused
    elif unused:
        # The last is for the code -1, of NULL.
        renumbered = numpy.full(len(texts) + 1, -1, codes.dtype)
        renumbered[used] = distinct.indices.to_numpy()
        codes = renumbered.take(codes)
    return pandas.Categorical.from_codes(codes, distinct.dictionary.to_pandas(), validate=False)


def _used(codes: Any, texts: int) -> Any:
    """Which of so many texts occur, in order."""
    import numpy
    import pyarrow

    # Most of them at the beginning: to look for the others one by one takes a quarter of what it takes to count all.
    used = numpy.unique(codes[:65536])
    others = numpy.setdiff1d(numpy.arange(texts), used)
    if len(others) > 8:
        used = numpy.sort(pyarrow.array(codes).unique().to_numpy())
    else:
        used = numpy.union1d(used, [code for code in others if (codes == code).any()]).astype(codes.dtype)
    return used[used >= 0]


def _codes(chunks: pyarrow.ChunkedArray, texts: int) -> Any:
    """The number of each row's text, -1 of NULL, in as few bits as pandas takes."""
    import numpy

    codes = numpy.empty(len(chunks), numpy.int8 if texts < 128 else numpy.int16 if texts < 32768 else numpy.int32)
    start = 0
    for chunk in chunks.chunks:
        indices = chunk.indices.fill_null(-1) if chunk.null_count else chunk.indices
        codes[start : start + len(chunk)] = indices.to_numpy()
        start += len(chunk)
    return codes
