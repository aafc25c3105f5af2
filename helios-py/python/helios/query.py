"""Queries and their results."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from . import _helios, parameters
from ._checks import count, flag, optional_text, present, seconds, text
from .column import Column


class QueryResult:
    """The whole result of a query.

    It iterates over its rows, and hands itself as Arrow to whatever reads that, without a copy: ``pyarrow.table(result)``,
    ``polars.DataFrame(result)``, ``pandas.DataFrame.from_arrow(result)``, DuckDB.
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

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for batch in range(self._native.batches):
            yield from self._native.rows(batch)

    def __len__(self) -> int:
        return len(self._native)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The result as an Arrow stream, in a PyCapsule; as often as one likes."""
        return self._native.__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        names = ", ".join(column.name for column in self.columns[:5])
        more = ", …" if len(self.columns) > 5 else ""
        return f"<helios.QueryResult of {len(self)} rows: {names}{more}>"


def options(
    parameter_values: Mapping[str, parameters.Parameter] | None,
    *,
    database: str | None,
    read_only: bool,
    max_execution_time: float | None,
    max_result_rows: int | None,
    max_result_bytes: int | None,
    max_memory_usage: int | None,
) -> str:
    """The options of a query as JSON."""

    def limit(name: str, value: int | None) -> int | None:
        return None if value is None else count(name, value)

    time_limit = None if max_execution_time is None else seconds("max_execution_time", max_execution_time)
    given = present(
        database=optional_text("database", database),
        readOnly=flag("read_only", read_only),
        maxExecutionSeconds=time_limit,
        maxResultRows=limit("max_result_rows", max_result_rows),
        maxResultBytes=limit("max_result_bytes", max_result_bytes),
        maxMemoryUsage=limit("max_memory_usage", max_memory_usage),
    )
    limits = json.dumps(given)
    return f'{{"parameters":{parameters.to_json(parameter_values)},{limits[1:]}'


def sql(query: str) -> str:
    """The text of a query."""
    return text("sql", query)
