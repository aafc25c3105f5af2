"""The result of a query as record batches, one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from . import _helios, _html
from ._bars import Bar
from ._frames import AsyncFrames, Frames, Parts, Pieces, Whole
from ._progress import OnThisLoop
from ._reading import AsyncReading, Reading
from .column import Column


class QueryBatch(Frames):
    """Some rows of a result.

    It iterates over them, is a frame with :meth:`to_pandas` and :meth:`to_polars`, and hands itself as Arrow to whatever
    reads that, without a copy: ``pyarrow.record_batch(batch)``.
    """

    __slots__ = ("_native", "columns")

    columns: list[Column]
    """The columns, with ClickHouse's types."""

    def __init__(self, native: _helios.QueryBatch, columns: list[Column]) -> None:
        self._native = native
        self.columns = columns

    def rows(self) -> list[dict[str, Any]]:
        """The rows as dicts of Python values, as :meth:`QueryResult.rows`."""
        return self._native.rows()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._native.rows())

    def __len__(self) -> int:
        return len(self._native)

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        """The batch as an Arrow array with its schema, in PyCapsules; as often as one likes."""
        return self._native.__arrow_c_array__(requested_schema)

    def _repr_html_(self) -> str:
        return _html.rows(self.columns, _html.head(self._native, len(self.columns), _html.MAX_ROWS), len(self))

    def _parts(self) -> Whole:
        return Whole(self, self._native)

    def __repr__(self) -> str:
        return f"<helios.QueryBatch of {len(self)} rows>"


class QueryBatches(Reading[_helios.QueryBatches], Frames):
    """The result of a query as record batches, in constant memory: it iterates over them.

    The batches not read yet can be had as one table or frame, once: :meth:`to_arrow`, :meth:`to_pandas`, :meth:`to_polars`.

    Or it hands itself, once, as a stream of Arrow to whatever reads that piece by piece:
    ``pyarrow.RecordBatchReader.from_stream(batches)``, DuckDB.

    A result is whole when the iteration ends without an exception; what came before one is not. The query ends with the
    result, when this is closed, or with its client.
    """

    __slots__ = ("columns",)

    columns: list[Column]
    """The columns, with ClickHouse's types; known before the first batch, and where there is none."""

    def __init__(self, native: _helios.QueryBatches, bar: Bar[Any]) -> None:
        super().__init__(native, bar)
        self.columns = [Column(name, data_type) for name, data_type in native.columns]

    def __iter__(self) -> QueryBatches:
        return self

    def __next__(self) -> QueryBatch:
        return QueryBatch(self._next(), self.columns)

    def __arrow_c_schema__(self) -> object:
        """The schema of every batch, in a PyCapsule."""
        return self._native.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The batches that were not read yet as an Arrow stream, in a PyCapsule, once.

        Reading it waits for the query, without holding up other threads. An error after the first batch is whatever the
        reader makes of it; a result that is not whole has no end there either. A progress bar ends here.
        """
        self._bar.close()
        return self._native.__arrow_c_stream__(requested_schema)

    def _parts(self) -> Parts:
        return Pieces([batch._parts() for batch in self], self)


class AsyncQueryBatches(AsyncReading[_helios.QueryBatches], AsyncFrames):
    """:class:`QueryBatches` for asyncio. A task that is cancelled while it waits for a batch ends the query."""

    __slots__ = ("columns",)

    columns: list[Column]
    """The columns, with ClickHouse's types; known before the first batch, and where there is none."""

    def __init__(self, native: _helios.QueryBatches, bar: Bar[Any], on_progress: OnThisLoop | None) -> None:
        super().__init__(native, bar, on_progress)
        self.columns = [Column(name, data_type) for name, data_type in native.columns]

    def __aiter__(self) -> AsyncQueryBatches:
        return self

    async def __anext__(self) -> QueryBatch:
        return QueryBatch(await self._next(), self.columns)

    def __arrow_c_schema__(self) -> object:
        """The schema of every batch, in a PyCapsule."""
        return self._native.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """As :meth:`QueryBatches.__arrow_c_stream__`. Whoever reads it waits: on a thread of its own, if the event loop
        shall go on."""
        self._bar.close()
        return self._native.__arrow_c_stream__(requested_schema)

    async def _read(self) -> Parts:
        return Pieces([batch._parts() async for batch in self], self)
