"""Kinesis streams as ClickHouse tables, with ClickHouse in your process.

>>> import helios
>>> client = helios.connect()
>>> client.query("SELECT 1 AS one").rows()
[{'one': 1}]
"""

from ._helios import __version__
from .async_client import AsyncHelios, connect_async
from .authentication import Authentication
from .check import SampleReject, SchemaCheck
from .client import Helios, connect
from .column import Column
from .delivery import (
    ConsumeProgress,
    ConsumeReport,
    DeliveryGap,
    DeliveryReport,
    DeliveryTrouble,
    QuarantineCounts,
    RangeSettled,
    ShardProgress,
    ShardReport,
)
from .drift import ChangedColumn, NewField, SchemaDrift
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
from .table import Batching, Check, CreatePlan, Diagnosis, PlanStep, TableCreated, TableOptions

__all__ = [
    "AlreadyExistsError",
    "ArrowOptions",
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
    "CreatePlan",
    "DeliveryGap",
    "DeliveryReport",
    "DeliverySummary",
    "DeliveryTrouble",
    "Diagnosis",
    "Discarded",
    "EngineUnavailableError",
    "Helios",
    "HeliosError",
    "HeliosTimeoutError",
    "Inference",
    "InvalidInputError",
    "InvalidQueryError",
    "LimitExceededError",
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
