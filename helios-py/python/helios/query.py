"""Queries and their results."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from . import _helios, _html, parameters
from ._checks import count, flag, one_of, optional_text, present, seconds, text
from ._frames import Frames, Parts, Whole
from ._wire import Answer, read
from .column import Column
from .query_batches import QueryBatch

if TYPE_CHECKING:
    from typing_extensions import Unpack


@dataclass(frozen=True)
class QueryProgress(Answer):
    """How far a query that runs is."""

    query_id: str
    """The query's name."""
    read_rows: int
    """Rows read so far."""
    read_bytes: int
    """Bytes read so far, in memory."""
    total_rows: int | None
    """About how many rows there are to read, by ClickHouse's own estimate."""
    elapsed_seconds: float
    """How long it has run."""
    memory_usage: int
    """Bytes of memory that it holds."""


OnQueryProgress = Callable[[QueryProgress], object]
"""What a query calls with how far it is. ``False`` cancels it."""


class QueryOptions(TypedDict, total=False):
    """How a query may run. No limit is set unless given."""

    database: str | None
    """The database of tables named without one."""
    read_only: bool
    """Refuse everything that writes or reaches outside."""
    max_execution_time: float | None
    """Stop after so many seconds."""
    max_result_rows: int | None
    """Fail if the result has more rows."""
    max_result_bytes: int | None
    """Fail if the result has more bytes."""
    max_memory_usage: int | None
    """Fail if the query needs more memory, in bytes."""
    limit: int | None
    """The first so many rows of the result, and no more."""
    query_id: str | None
    """The name by which the query can be cancelled and watched, 1 to 100 of ``A-Z a-z 0-9 _ . : -``; a random one unless
    given. No two queries may run under one name at a time."""


class ArrowOptions(QueryOptions, total=False):
    """How a query may run whose result comes as Arrow."""

    wide_integers: Literal["text", "decimal"] | None
    """What 128 and 256-bit integers are in Arrow, which has none: ``"text"`` unless given, or ``"decimal"``: 128-bit ones
    are ``decimal256(39, 0)``, 256-bit ones, which no decimal holds, 32 bytes, little-endian."""


class TextOptions(QueryOptions, total=False):
    """How a query may run whose result comes as text."""

    times: Literal["iso", "simple", "unixTimestamp"] | None
    """How times are written: ``"iso"`` unless given, ``2026-01-31T10:00:00Z``; ``"simple"``, ``2026-01-31 11:00:00`` in the
    column's zone; ``"unixTimestamp"``, seconds since 1970."""
    quote_64bit_integers: bool
    """64-bit integers as text in JSON, for readers whose numbers are doubles."""


class BytesOptions(ArrowOptions, TextOptions, total=False):
    """How a query may run whose result comes as bytes of some form: what is of no use to that form is passed over."""


class QueryResult(Frames):
    """The whole result of a query.

    It iterates over its rows, is a frame with :meth:`to_pandas` and :meth:`to_polars`, and hands itself as Arrow to whatever
    reads that, without a copy: ``pyarrow.table(result)``, DuckDB (``duckdb.sql("SELECT … FROM result")``).
    """

    __slots__ = ("_native", "columns")

    columns: list[Column]
    """The columns, with ClickHouse's types."""

    def __init__(self, native: _helios.QueryResult) -> None:
        self._native = native
        self.columns = [Column(name, data_type) for name, data_type in native.columns]

    @property
    def query(self) -> str:
        """The SQL text as it was given."""
        return self._native.sql

    @property
    def query_id(self) -> str:
        """The name that the query had."""
        return self._native.query_id

    def rows(self) -> list[dict[str, Any]]:
        """The rows as dicts of Python values.

        ================================== =====================================================
        ClickHouse                         Python
        ================================== =====================================================
        integers of any size               ``int``
        ``Float32``, ``Float64``           ``float``
        ``Decimal``                        ``decimal.Decimal``
        ``Bool``                           ``bool``
        ``String``, ``Enum``, ``UUID``,    ``str``
        ``IPv4``, ``IPv6``
        ``Date``, ``Date32``               ``datetime.date``
        ``DateTime``, ``DateTime64``       ``datetime.datetime`` in the column's zone (``zoneinfo``); to
                                           the microsecond
        ``Time``, ``Time64``               ``datetime.timedelta``
        ``Array``, ``Nested``              ``list``
        ``Map``, ``JSON``, named ``Tuple`` ``dict``
        ``Tuple`` without names            ``tuple``
        ``NULL``                           ``None``
        ================================== =====================================================
        """
        return self._native.rows()

    def batches(self) -> list[QueryBatch]:
        """The result in pieces, as it came: all of its rows in order, none of them copied.

        >>> [len(batch) for batch in client.query("SELECT number FROM numbers(100000)").batches()]
        [65409, 34591]
        """
        pieces = (self._native.batch(index) for index in range(self._native.batches))
        return [QueryBatch(piece, self.columns) for piece in pieces if piece is not None]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for batch in range(self._native.batches):
            yield from self._native.rows(batch)

    def __len__(self) -> int:
        return len(self._native)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The result as an Arrow stream, in a PyCapsule; as often as one likes."""
        return self._native.__arrow_c_stream__(requested_schema)

    def _repr_html_(self) -> str:
        shown: list[tuple[Any, ...]] = []
        for index in range(self._native.batches):
            if (batch := self._native.batch(index)) is not None:
                shown += _html.head(batch, len(self.columns), _html.MAX_ROWS - len(shown))
            if len(shown) == _html.MAX_ROWS:
                break
        return _html.rows(self.columns, shown, len(self))

    def _parts(self) -> Parts:
        return Whole(self, self._native)

    def __repr__(self) -> str:
        names = ", ".join(column.name for column in self.columns[:5])
        more = ", …" if len(self.columns) > 5 else ""
        return f"<helios.QueryResult of {len(self)} rows: {names}{more}>"


_TIMES = ("iso", "simple", "unixTimestamp")
_WIDE_INTEGERS = ("text", "decimal")
_FORMATS = ("json", "ndjson", "csv", "arrow", "parquet")


def options(
    values: Mapping[str, parameters.Parameter] | None,
    *,
    database: str | None = None,
    read_only: bool = False,
    max_execution_time: float | None = None,
    max_result_rows: int | None = None,
    max_result_bytes: int | None = None,
    max_memory_usage: int | None = None,
    limit: int | None = None,
    query_id: str | None = None,
    times: str | None = None,
    quote_64bit_integers: bool = False,
    wide_integers: str | None = None,
) -> str:
    """The options of a query as JSON."""

    def number(name: str, value: int | None) -> int | None:
        return None if value is None else count(name, value)

    given = present(
        database=optional_text("database", database),
        readOnly=flag("read_only", read_only),
        maxExecutionSeconds=None if max_execution_time is None else seconds("max_execution_time", max_execution_time),
        maxResultRows=number("max_result_rows", max_result_rows),
        maxResultBytes=number("max_result_bytes", max_result_bytes),
        maxMemoryUsage=number("max_memory_usage", max_memory_usage),
        limit=number("limit", limit),
        queryId=optional_text("query_id", query_id),
        times=None if times is None else one_of("times", times, _TIMES),
        quote64BitIntegers=flag("quote_64bit_integers", quote_64bit_integers),
        wideIntegers=None if wide_integers is None else one_of("wide_integers", wide_integers, _WIDE_INTEGERS),
    )
    return f'{{"parameters":{parameters.to_json(values)},{json.dumps(given)[1:]}'


def arrow_options(values: Mapping[str, parameters.Parameter] | None, **given: Unpack[ArrowOptions]) -> str:
    """The options of a query whose result comes as Arrow, as JSON. What is for text only is refused."""
    _refuse(given, TextOptions)
    return options(values, **given)


def text_options(values: Mapping[str, parameters.Parameter] | None, **given: Unpack[TextOptions]) -> str:
    """The options of a query whose result comes as text, as JSON. What is for Arrow only is refused."""
    _refuse(given, ArrowOptions)
    return options(values, **given)


def _refuse(given: Mapping[str, object], others: type) -> None:
    for name in given:
        if name in others.__annotations__ and name not in QueryOptions.__annotations__:
            raise TypeError(f"{name} is no option of this query")


def progress(answer: str | None) -> QueryProgress | None:
    """The answer to ``query_progress``."""
    return None if answer is None else read(QueryProgress, answer)


def form(name: str) -> str:
    """The form of a result."""
    return one_of("format", name, _FORMATS)


def sql(query: str) -> str:
    """The text of a query."""
    return text("sql", query)
