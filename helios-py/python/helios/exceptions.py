"""What Helios raises.

Each kind of error has its class; where Python has an exception for the same thing, the class is one of those too, so that
``except TimeoutError`` and ``except LookupError`` work as one expects.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

__all__ = [
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
]


@dataclass(frozen=True)
class SqlPosition:
    """A place in an SQL text."""

    offset: int
    """Bytes of the text, as UTF-8, before it."""
    line: int
    """Its line, from 1."""
    column: int
    """Its character in that line, from 1."""


class HeliosError(Exception):
    """The base of everything Helios raises, but for ``TypeError``.

    ``str(error)`` says what happened, to which thing, and what to do next. It holds no secret.
    """

    kind: ClassVar[str] = ""
    """What sort of thing went wrong, the same name from every language: ``"not_found"``."""

    operation: str
    """The operation that failed: ``"create_table"``."""
    context: dict[str, str]
    """What the error is about: ``{"stream": "clicks"}``."""
    retryable: bool
    """Whether the same call may succeed later, unchanged."""
    server_code: int | None
    """ClickHouse's error number: ``60``."""
    server_error_name: str | None
    """ClickHouse's name for the error, if it said one: ``"UNKNOWN_TABLE"``."""
    position: SqlPosition | None
    """Where in the SQL text the error is, for one of syntax."""
    aws_code: str | None
    """AWS's error code: ``"ResourceNotFoundException"``."""

    def __init__(
        self,
        message: str = "",
        *,
        operation: str = "",
        context: Mapping[str, str] | None = None,
        retryable: bool = False,
        server_code: int | None = None,
        server_error_name: str | None = None,
        position: SqlPosition | None = None,
        aws_code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.operation = operation
        self.context = dict(context or {})
        self.retryable = retryable
        self.server_code = server_code
        self.server_error_name = server_error_name
        self.position = position
        self.aws_code = aws_code

    @property
    def code(self) -> int | str | None:
        """The code the other side gave: ClickHouse's number or AWS's name."""
        return self.aws_code if self.server_code is None else self.server_code


class ConfigError(HeliosError, ValueError):
    """A setting is missing, unknown or contradicts another."""

    kind = "config_invalid"


class InvalidInputError(HeliosError, ValueError):
    """An argument is malformed: a name, a schema, a position."""

    kind = "invalid_input"


class InvalidQueryError(HeliosError, ValueError):
    """ClickHouse refused the SQL: syntax, an unknown column or function, types that do not match."""

    kind = "invalid_query"


class UnauthenticatedError(HeliosError):
    """No credentials, or credentials that were not accepted."""

    kind = "unauthenticated"


class PermissionDeniedError(HeliosError, PermissionError):
    """The credentials are good, the permission is missing."""

    kind = "permission_denied"


class NotFoundError(HeliosError, LookupError):
    """A stream, table, database or function that does not exist."""

    kind = "not_found"


class AlreadyExistsError(HeliosError):
    """Something of that name exists already."""

    kind = "already_exists"


class ConflictError(HeliosError):
    """What exists differs from what was asked for, or another operation is under way."""

    kind = "conflict"


class LimitExceededError(HeliosError):
    """A limit was passed: size, rows, memory, quota."""

    kind = "limit_exceeded"


class HeliosTimeoutError(HeliosError, TimeoutError):
    """It took longer than allowed. Whether it took effect is unknown."""

    kind = "timeout"


class UnavailableError(HeliosError, ConnectionError):
    """The other side cannot be reached or is not ready."""

    kind = "unavailable"


class EngineUnavailableError(HeliosError):
    """The embedded engine cannot be opened."""

    kind = "engine_unavailable"


class QueryCancelledError(HeliosError):
    """The query was cancelled."""

    kind = "cancelled"


class UnexpectedError(HeliosError, RuntimeError):
    """None of the others: a defect of Helios, or an answer nobody expected."""

    kind = "unexpected"


_BY_KIND: dict[str, type[HeliosError]] = {
    error.kind: error
    for error in (
        ConfigError,
        InvalidInputError,
        InvalidQueryError,
        UnauthenticatedError,
        PermissionDeniedError,
        NotFoundError,
        AlreadyExistsError,
        ConflictError,
        LimitExceededError,
        HeliosTimeoutError,
        UnavailableError,
        EngineUnavailableError,
        QueryCancelledError,
        UnexpectedError,
    )
}


def of_kind(
    kind: str,
    message: str,
    *,
    operation: str,
    context: Mapping[str, str],
    retryable: bool,
    server_code: int | None,
    server_error_name: str | None,
    position: tuple[int, int, int] | None,
    aws_code: str | None,
) -> HeliosError:
    """The exception for an error of this kind: what the extension raises."""
    return _BY_KIND[kind](
        message,
        operation=operation,
        context=context,
        retryable=retryable,
        server_code=server_code,
        server_error_name=server_error_name,
        position=None if position is None else SqlPosition(*position),
        aws_code=aws_code,
    )
