"""The client, for programs without asyncio."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from types import TracebackType

from . import _helios, authentication, query, sample, source
from . import table as tables
from ._checks import text
from ._settings import settings
from .authentication import Authentication
from .column import Schema
from .parameters import Parameter
from .query import QueryResult
from .sample import Position, StreamSample
from .source import Source
from .table import TableCreated


def connect(
    path: str | os.PathLike[str] | None = None,
    *,
    url: str | None = None,
    **options: str | os.PathLike[str] | None,
) -> Client:
    """Open a client of a ClickHouse: in this process, or on a server.

    Without a ``url`` an embedded ClickHouse is opened, with its data in the folder ``path`` (``helios-data`` unless
    given). A process has one such folder open at a time; clients of the same folder share the engine.

    Settings come from the environment (``HELIOS_CLICKHOUSE_URL`` and so on; for AWS also what its SDK reads), and keyword
    arguments are put over them. ``None`` counts as not given. The options are ``clickhouse_user``,
    ``clickhouse_password``, ``clickhouse_database``, ``chdb_lib``, ``aws_region``, ``aws_endpoint_url``,
    ``aws_access_key_id``, ``aws_secret_access_key``, ``aws_session_token``, ``aws_profile``, ``aws_role_arn``,
    ``aws_external_id``, ``mapping_table``, ``ledger_table``, ``delivery_function``.

    Raises :class:`ConfigError` for settings that are unknown or contradict each other, and
    :class:`EngineUnavailableError` if the engine cannot be opened. Nothing else is connected to yet.

    >>> with helios.connect("./data") as client:
    ...     client.query("SELECT 1 AS one").rows()
    [{'one': 1}]
    """
    return Client(_helios.connect(settings(path, url, options)))


class Client:
    """All of Helios. Made by :func:`connect`.

    Threads may share it. Each method waits for its answer without holding up other threads, and Ctrl-C ends it, on the
    engine too. For asyncio there is :class:`AsyncClient`.
    """

    __slots__ = ("__weakref__", "_native")

    def __init__(self, native: _helios.Client) -> None:
        self._native = native

    def databases(self) -> dict[str, list[str]]:
        """Every database, with the names of its tables, sorted: ``{"default": ["events", "users"]}``."""
        answer: dict[str, list[str]] = json.loads(self._native.databases())
        return answer

    def query(
        self,
        sql: str,
        parameters: Mapping[str, Parameter] | None = None,
        *,
        database: str | None = None,
        read_only: bool = False,
        max_execution_time: float | None = None,
        max_result_rows: int | None = None,
        max_result_bytes: int | None = None,
        max_memory_usage: int | None = None,
    ) -> QueryResult:
        """Run a statement and return its whole result.

        ``parameters`` are the values of ``{name:Type}`` in the text; they never become SQL. A ``datetime`` without a zone
        is what the clock shows in the parameter's zone.

        ``database`` is the one of tables named without one. ``read_only`` refuses everything that writes or reaches
        outside. The limits, of which none is set by default, are in seconds, rows and bytes.

        Raises :class:`InvalidQueryError`, :class:`NotFoundError`, :class:`LimitExceededError`,
        :class:`HeliosTimeoutError` and whatever else ClickHouse says, with its number in ``server_code``.
        """
        options = query.options(
            parameters,
            database=database,
            read_only=read_only,
            max_execution_time=max_execution_time,
            max_result_rows=max_result_rows,
            max_result_bytes=max_result_bytes,
            max_memory_usage=max_memory_usage,
        )
        return QueryResult(self._native.query(query.sql(sql), options))

    def authenticate(
        self,
        access_key: str | None = None,
        secret_key: str | None = None,
        *,
        session_token: str | None = None,
        region: str | None = None,
        role_arn: str | None = None,
        external_id: str | None = None,
        profile: str | None = None,
    ) -> Authentication:
        """Check AWS credentials and list the streams they see.

        Without arguments it checks those the client has. Others that are accepted are the client's from then on; those
        that are not leave it as it was.

        Raises :class:`UnauthenticatedError` for credentials that are missing or wrong, :class:`PermissionDeniedError` if
        they may not list streams, :class:`InvalidInputError` for what can be no credentials.
        """
        given = authentication.credentials(
            access_key,
            secret_key,
            session_token=session_token,
            region=region,
            role_arn=role_arn,
            external_id=external_id,
            profile=profile,
        )
        return authentication.read(self._native.authenticate(given))

    def with_credentials(
        self,
        access_key: str | None = None,
        secret_key: str | None = None,
        *,
        session_token: str | None = None,
        region: str | None = None,
        role_arn: str | None = None,
        external_id: str | None = None,
        profile: str | None = None,
    ) -> Client:
        """Return another client that speaks to AWS as somebody else; without arguments, as whoever the AWS SDK finds.

        It shares all connections, and the engine, which stays open until both are closed. Nothing is checked yet but the
        form of the credentials (:class:`InvalidInputError`).
        """
        given = authentication.credentials(
            access_key,
            secret_key,
            session_token=session_token,
            region=region,
            role_arn=role_arn,
            external_id=external_id,
            profile=profile,
        )
        return Client(self._native.with_credentials(given or "{}"))

    def kinesis_sample(
        self,
        stream: str,
        *,
        max_events: int | None = None,
        position: Position | None = None,
        time_limit: float | None = None,
    ) -> StreamSample:
        """Read a few events of a stream and infer the schema that fits them all.

        At most ``max_events`` (100 unless given) from ``position`` (recent history, then new arrivals) within
        ``time_limit`` seconds (10). ``stream`` is a name or an ARN.

        Raises :class:`NotFoundError` for the stream, and what else AWS says.
        """
        options = sample.options(max_events=max_events, position=position, time_limit=time_limit)
        return sample.read(self._native.kinesis_sample(text("stream", stream), options))

    def create_table(
        self,
        stream: str,
        table: str,
        schema: Schema,
        *,
        database: str = "default",
        order_by: Iterable[str] = (),
        partition_by: str | None = None,
        start_position: Position = "now",
        create_database: bool = False,
    ) -> TableCreated:
        """Make a table and let a stream fill it: all of it or nothing.

        ``schema`` is a list of columns, such as ``inferred_schema`` of a sample, or a dict from name to ClickHouse type.
        ``order_by`` is the sorting key, of columns that are not nullable; ``partition_by`` a column, or ``toYYYYMM`` or
        ``toDate`` of one. ``start_position`` is where in the stream to begin: at this moment unless given.
        ``create_database`` makes the database if it does not exist.

        Raises :class:`InvalidInputError` for a bad name, schema, key or position, :class:`NotFoundError` for the stream,
        the database or the delivery function, :class:`AlreadyExistsError` if the stream feeds this table already,
        :class:`ConflictError` if the table exists with another schema or another create is under way.
        """
        spec = tables.spec(
            stream,
            table,
            schema,
            database=database,
            order_by=order_by,
            partition_by=partition_by,
            start_position=start_position,
            create_database=create_database,
        )
        return tables.read(self._native.create_table(spec))

    def sources(self) -> list[Source]:
        """Every source, in the order of creation."""
        return source.read(self._native.sources())

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._native.closed

    def close(self) -> None:
        """End the operations under way and let go of the engine. It may be called again.

        When it returns, another folder can be opened, unless another client still has the engine.
        """
        self._native.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<helios.Client {'closed' if self.closed else 'of ' + self._native.place}>"
