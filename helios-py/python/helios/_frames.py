"""Results as tables of pyarrow and as frames of pandas and polars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from . import _helios
from ._packages import need
from .column import Column

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow


class Frames:
    """What can be had as a table or a frame."""

    __slots__ = ()

    columns: list[Column]

    def to_arrow(self) -> pyarrow.Table:
        """The result as a table of pyarrow, without a copy.

        Its types are those of :meth:`QueryResult.__arrow_c_stream__`; each field has its ClickHouse type in its metadata,
        as ``clickhouse.type``.

        Raises ``ImportError`` without the package pyarrow: ``pip install 'helios-py[pandas]'``.

        >>> client.query("SELECT number FROM numbers(3)").to_arrow().num_rows
        3
        """
        need("to_arrow", "pyarrow", "pandas")
        return self._parts().table()

    def to_pandas(self) -> pandas.DataFrame:
        """The result as a frame of pandas.

        ====================================== =================================================
        ClickHouse                             pandas
        ====================================== =================================================
        integers of up to 64 bits              ``int64``, ``uint8``, …; with NULLs ``Int64``, ``UInt8``, …
        integers of 128 and 256 bits           objects: ``int``
        ``Float32``, ``Float64``, ``BFloat16`` ``float32``, ``float64``; NULL is NaN
        ``Bool``                               ``bool``; with NULLs ``boolean``
        ``Decimal``                            objects: ``decimal.Decimal``
        ``String``, ``UUID``, ``IPv4``, …      what pandas has for text: ``str``, before pandas 3 objects
        ``LowCardinality`` of text             ``category``, of the texts that occur
        ``Enum``                               ``category``, ordered, of all names in the order of their numbers
        ``Date``, ``Date32``                   ``datetime64[ms]``
        ``DateTime``, ``DateTime64``           ``datetime64`` in the column's zone, in seconds to nanoseconds as is the column
        ``Time``, ``Time64``                   ``timedelta64``
        ``Array`` of numbers, without NULLs    objects: arrays of numpy
        other ``Array``, ``Map``, ``Tuple``,   objects: the values of :meth:`QueryResult.rows`
        ``Nested``, ``JSON``, ``Variant``, …
        ====================================== =================================================

        Columns of one name are kept, each.

        Raises ``ImportError`` without the packages pandas and pyarrow: ``pip install 'helios-py[pandas]'``.

        >>> client.query("SELECT number FROM numbers(3)").to_pandas()["number"].sum()
        3
        """
        need("to_pandas", "pandas", "pandas")
        need("to_pandas", "pyarrow", "pandas")
        from . import _pandas

        return _pandas.frame(self._parts(), self.columns)

    def to_polars(self) -> polars.DataFrame:
        """The result as a frame of polars.

        ====================================== =================================================
        ClickHouse                             polars
        ====================================== =================================================
        integers of up to 128 bits             ``Int8`` to ``Int128``, ``UInt8`` to ``UInt128``
        integers of 256 bits                   ``String``
        ``Decimal`` of up to 38 digits         ``Decimal``
        ``Decimal`` of more                    ``String``
        ``LowCardinality`` of text             ``Categorical``
        ``Enum``                               ``Enum``, of all names in the order of their numbers
        ``DateTime``, ``DateTime64``           ``Datetime`` in the column's zone
        ``Time``, ``Time64``                   ``Duration``
        ``Array``, ``Map``, ``Tuple``          ``List``, ``Map``, ``Struct``, of these types in turn
        ``JSON``, ``Dynamic``                  ``String``, of JSON
        ``Variant``, also in others            ``Object``: the values of :meth:`QueryResult.rows`
        ====================================== =================================================

        The others are what one expects; NULL and NaN stay apart.

        Raises ``ImportError`` without the package polars: ``pip install 'helios-py[polars]'``, and, for a ``Decimal`` of more
        than 38 digits, a ``Variant`` and with ``wide_integers="decimal"``, without pyarrow; :class:`InvalidInputError` if two
        columns have one name.

        >>> client.query("SELECT number FROM numbers(3)").to_polars()["number"].sum()
        3
        """
        need("to_polars", "polars", "polars")
        from . import _polars

        _polars.check(self.columns)
        return _polars.frame(self._parts(), self.columns)

    def _parts(self) -> Parts:
        raise NotImplementedError


class AsyncFrames:
    """The same of batches that are awaited."""

    __slots__ = ()

    columns: list[Column]

    async def to_arrow(self) -> pyarrow.Table:
        """As :meth:`QueryBatches.to_arrow`."""
        need("to_arrow", "pyarrow", "pandas")
        return (await self._read()).table()

    async def to_pandas(self) -> pandas.DataFrame:
        """As :meth:`QueryBatches.to_pandas`."""
        need("to_pandas", "pandas", "pandas")
        need("to_pandas", "pyarrow", "pandas")
        from . import _pandas

        return _pandas.frame(await self._read(), self.columns)

    async def to_polars(self) -> polars.DataFrame:
        """As :meth:`QueryBatches.to_polars`."""
        need("to_polars", "polars", "polars")
        from . import _polars

        _polars.check(self.columns)
        return _polars.frame(await self._read(), self.columns)

    async def _read(self) -> Parts:
        raise NotImplementedError


class Parts(Protocol):
    """Where a frame is made from."""

    def table(self) -> pyarrow.Table:
        """It as a table of pyarrow."""

    def frame(self) -> polars.DataFrame:
        """It as polars reads Arrow."""

    def values(self, index: int) -> list[Any]:
        """The Python values of a column."""


class Whole:
    """A result or a batch, that hands itself over as Arrow."""

    def __init__(self, arrow: Any, native: _helios.QueryResult | _helios.QueryBatch) -> None:
        self._arrow = arrow
        self.values = native.column

    def table(self) -> pyarrow.Table:
        import pyarrow

        return pyarrow.table(self._arrow)

    def frame(self) -> polars.DataFrame:
        import polars

        return polars.DataFrame(self._arrow)


class Pieces:
    """Batches that were read one by one: what fails while they are is an exception of Helios, and Ctrl-C ends it."""

    def __init__(self, batches: list[Whole], end: Any) -> None:
        self._batches = batches
        self._end = end
        """What has no batches any more, but the schema."""

    def table(self) -> pyarrow.Table:
        import pyarrow

        return pyarrow.concat_tables([*(batch.table() for batch in self._batches), pyarrow.table(self._end)])

    def frame(self) -> polars.DataFrame:
        import polars

        return polars.concat([*(batch.frame() for batch in self._batches), polars.DataFrame(self._end)], rechunk=False)

    def values(self, index: int) -> list[Any]:
        return [value for batch in self._batches for value in batch.values(index)]
