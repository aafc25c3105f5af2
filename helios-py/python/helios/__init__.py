"""Kinesis streams as ClickHouse tables, with ClickHouse in your process.

>>> import helios
>>> client = helios.connect()
>>> client.query("SELECT 1 AS one").rows()
[{'one': 1}]
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from ._helios import __version__

if TYPE_CHECKING:
    from .async_client import AsyncHelios, connect_async
    from .authentication import Authentication
    from .check import SampleReject, SchemaCheck
    from .client import Helios, connect
    from .column import Column
    from .consumer import AsyncConsumer, Consumer
    from .delivery import (
        ConsumeProgress,
        ConsumeReport,
        DeliveryGap,
        DeliveryReport,
        DeliveryTrouble,
        QuarantineCounts,
        RangeSettled,
        RowCount,
        ShardProgress,
        ShardReport,
    )
    from .drift import ChangedColumn, NewField, SchemaDrift
    from .engine import Engine, Listener
    from .exceptions import (
        AlreadyExistsError,
        ConfigError,
        ConflictError,
        EngineUnavailableError,
        HeliosError,
        HeliosTimeoutError,
        InvalidInputError,
        InvalidQueryError,
        LimitExceededError,
        NotFoundError,
        PermissionDeniedError,
        QueryCancelledError,
        SqlPosition,
        UnauthenticatedError,
        UnavailableError,
        UnexpectedError,
    )
    from .query import ArrowOptions, BytesOptions, QueryOptions, QueryProgress, QueryResult, TextOptions
    from .query_batches import AsyncQueryBatches, QueryBatch, QueryBatches
    from .query_bytes import AsyncQueryBytes, QueryBytes
    from .rejects import (
        Discarded,
        QuarantineSummary,
        RejectGroup,
        RemainingRejects,
        ReplayReport,
        Retention,
        ShownRejects,
        StoredReject,
    )
    from .sample import (
        ColumnEvidence,
        Inference,
        Proposal,
        SampleOptions,
        SampleProgress,
        SampleRecord,
        StreamSample,
        Suggestion,
    )
    from .schema import Schema
    from .source import DeliverySummary, Repair, RepairStep, Source, SourceRemoved, Trigger
    from .stream import Event, EventsPut, Stream
    from .table import Batching, Check, CreatePlan, Diagnosis, PlanStep, TableCreated, TableOptions

__all__ = [
    "AlreadyExistsError",
    "ArrowOptions",
    "AsyncConsumer",
    "AsyncHelios",
    "AsyncQueryBatches",
    "AsyncQueryBytes",
    "Authentication",
    "Batching",
    "BytesOptions",
    "ChangedColumn",
    "Check",
    "Column",
    "ColumnEvidence",
    "ConfigError",
    "ConflictError",
    "ConsumeProgress",
    "ConsumeReport",
    "Consumer",
    "CreatePlan",
    "DeliveryGap",
    "DeliveryReport",
    "DeliverySummary",
    "DeliveryTrouble",
    "Diagnosis",
    "Discarded",
    "Engine",
    "EngineUnavailableError",
    "Event",
    "EventsPut",
    "Helios",
    "HeliosError",
    "HeliosTimeoutError",
    "Inference",
    "InvalidInputError",
    "InvalidQueryError",
    "LimitExceededError",
    "Listener",
    "NewField",
    "NotFoundError",
    "PermissionDeniedError",
    "PlanStep",
    "Proposal",
    "QuarantineCounts",
    "QuarantineSummary",
    "QueryBatch",
    "QueryBatches",
    "QueryBytes",
    "QueryCancelledError",
    "QueryOptions",
    "QueryProgress",
    "QueryResult",
    "RangeSettled",
    "RejectGroup",
    "RemainingRejects",
    "Repair",
    "RepairStep",
    "ReplayReport",
    "Retention",
    "RowCount",
    "SampleOptions",
    "SampleProgress",
    "SampleRecord",
    "SampleReject",
    "Schema",
    "SchemaCheck",
    "SchemaDrift",
    "ShardProgress",
    "ShardReport",
    "ShownRejects",
    "Source",
    "SourceRemoved",
    "SqlPosition",
    "StoredReject",
    "Stream",
    "StreamSample",
    "Suggestion",
    "TableCreated",
    "TableOptions",
    "TextOptions",
    "Trigger",
    "UnauthenticatedError",
    "UnavailableError",
    "UnexpectedError",
    "__version__",
    "connect",
    "connect_async",
]

# Where each name is. A name is imported when somebody asks for it: all of them together take several times as long as
# whoever opens a client and runs a query has to wait for.
_MODULES = {
    "async_client": (
        "AsyncHelios",
        "connect_async",
    ),
    "authentication": ("Authentication",),
    "check": (
        "SampleReject",
        "SchemaCheck",
    ),
    "client": (
        "Helios",
        "connect",
    ),
    "column": ("Column",),
    "consumer": (
        "AsyncConsumer",
        "Consumer",
    ),
    "delivery": (
        "ConsumeProgress",
        "ConsumeReport",
        "DeliveryGap",
        "DeliveryReport",
        "DeliveryTrouble",
        "QuarantineCounts",
        "RangeSettled",
        "RowCount",
        "ShardProgress",
        "ShardReport",
    ),
    "drift": (
        "ChangedColumn",
        "NewField",
        "SchemaDrift",
    ),
    "engine": (
        "Engine",
        "Listener",
    ),
    "exceptions": (
        "AlreadyExistsError",
        "ConfigError",
        "ConflictError",
        "EngineUnavailableError",
        "HeliosError",
        "HeliosTimeoutError",
        "InvalidInputError",
        "InvalidQueryError",
        "LimitExceededError",
        "NotFoundError",
        "PermissionDeniedError",
        "QueryCancelledError",
        "SqlPosition",
        "UnauthenticatedError",
        "UnavailableError",
        "UnexpectedError",
    ),
    "query": (
        "ArrowOptions",
        "BytesOptions",
        "QueryOptions",
        "QueryProgress",
        "QueryResult",
        "TextOptions",
    ),
    "query_batches": (
        "AsyncQueryBatches",
        "QueryBatch",
        "QueryBatches",
    ),
    "query_bytes": (
        "AsyncQueryBytes",
        "QueryBytes",
    ),
    "rejects": (
        "Discarded",
        "QuarantineSummary",
        "RejectGroup",
        "RemainingRejects",
        "ReplayReport",
        "Retention",
        "ShownRejects",
        "StoredReject",
    ),
    "sample": (
        "ColumnEvidence",
        "Inference",
        "Proposal",
        "SampleOptions",
        "SampleProgress",
        "SampleRecord",
        "StreamSample",
        "Suggestion",
    ),
    "schema": ("Schema",),
    "source": (
        "DeliverySummary",
        "Repair",
        "RepairStep",
        "Source",
        "SourceRemoved",
        "Trigger",
    ),
    "stream": (
        "Event",
        "EventsPut",
        "Stream",
    ),
    "table": (
        "Batching",
        "Check",
        "CreatePlan",
        "Diagnosis",
        "PlanStep",
        "TableCreated",
        "TableOptions",
    ),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


# A type checker knows the names, and is not to think that there are others.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        module = _MODULE_OF.get(name)
        if module is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value: object = getattr(importlib.import_module(f".{module}", __name__), name)
        globals()[name] = value
        return value


def load_ipython_extension(shell: object) -> None:
    """``%load_ext helios``: after it, ``%%helios`` runs cells of SQL."""
    try:
        from .magic import HeliosMagics
    except ImportError as error:
        needed = "%load_ext helios needs the package IPython: pip install 'helios-py[notebook]'"
        raise ImportError(needed, name="IPython") from error
    shell.register_magics(HeliosMagics)  # type: ignore[attr-defined]


def __dir__() -> list[str]:
    return sorted(__all__)
