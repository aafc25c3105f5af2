"""Kinesis streams as ClickHouse tables, with ClickHouse in your process.

>>> import helios
>>> client = helios.connect()
>>> client.query("SELECT 1 AS one").rows()
[{'one': 1}]
"""

from ._helios import __version__
from .async_client import AsyncClient, connect_async
from .authentication import Authentication
from .client import Client, connect
from .column import Column
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
    UnauthenticatedError,
    UnavailableError,
    UnexpectedError,
)
from .query import QueryResult
from .sample import ColumnEvidence, StreamSample
from .source import Source
from .table import TableCreated

__all__ = [
    "AlreadyExistsError",
    "AsyncClient",
    "Authentication",
    "Client",
    "Column",
    "ColumnEvidence",
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
    "QueryResult",
    "Source",
    "StreamSample",
    "TableCreated",
    "UnauthenticatedError",
    "UnavailableError",
    "UnexpectedError",
    "__version__",
    "connect",
    "connect_async",
]
