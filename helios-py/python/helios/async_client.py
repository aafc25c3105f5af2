"""The client, for programs with asyncio."""

from __future__ import annotations

import os
from collections.abc import AsyncIterable, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from . import _bars, _helios, _json, _progress, authentication, check, delivery, drift, query, rejects, sample
from . import source as sources
from . import stream as stream_lists
from . import table as tables
from ._checks import text
from ._consumers import Consumers
from ._settings import settings
from ._wire import read
from .authentication import Authentication
from .check import SchemaCheck
from .column import SchemaLike
from .consumer import AsyncConsumer
from .delivery import ConsumeProgress, DeliveryReport, OnProgress, RangeSettled
from .drift import SchemaDrift
from .engine import Engine, Listener, credentials, local_port
from .parameters import Parameter
from .query import ArrowOptions, BytesOptions, OnQueryProgress, QueryProgress, QueryResult, TextOptions
from .query_batches import AsyncQueryBatches
from .query_bytes import AsyncQueryBytes
from .rejects import Discarded, QuarantineSummary, ReplayReport, Retention, Selection, ShownRejects
from .sample import OnSampleProgress, Position, SampleOptions, StreamSample
from .source import Repair, Source, SourceRemoved
from .stream import Event, EventsPut, OnEventsPut, Parts, Stream
from .table import CreatePlan, Diagnosis, TableCreated, TableOptions

if TYPE_CHECKING:
    from typing_extensions import Unpack


async def connect_async(
    path: str | os.PathLike[str] | None = None,
    *,
    url: str | None = None,
    **options: str | os.PathLike[str] | None,
) -> AsyncHelios:
    """Open a client for asyncio; arguments, settings and exceptions are those of :func:`connect`.

    >>> async def main():
    ...     async with await helios.connect_async("./data") as client:
    ...         return await client.query("SELECT 1 AS one")
    >>> asyncio.run(main()).rows()
    [{'one': 1}]
    """
    return AsyncHelios(await _helios.connect_async(settings(path, url, options)))


class AsyncHelios:
    """All of Helios, for asyncio. Made by :func:`connect_async`.

    Tasks may share it, also those of different event loops. Cancelling a task ends its operation, on the engine too. The
    methods are those of :class:`Helios`, to be awaited.
    """

    __slots__ = ("__weakref__", "_consumers", "_native")

    def __init__(self, native: _helios.Client) -> None:
        self._native = native
        self._consumers: Consumers[AsyncConsumer] = Consumers()

    async def engine_info(self) -> Engine:
        """As :meth:`Helios.engine_info`."""
        return read(Engine, await self._native.engine_info_async())

    async def databases(self) -> dict[str, list[str]]:
        """As :meth:`Helios.databases`."""
        answer: dict[str, list[str]] = _json.loads(await self._native.databases_async())
        return answer

    async def query(
        self,
        sql: str,
        parameters: Mapping[str, Parameter] | None = None,
        *,
        on_progress: OnQueryProgress | None = None,
        progress_bar: bool | None = None,
        **options: Unpack[ArrowOptions],
    ) -> QueryResult:
        """As :meth:`Helios.query`."""
        with _bars.query(progress_bar, on_progress) as bar:
            call = _progress.on_this_loop(bar.call())
            answer = self._native.query_async(query.sql(sql), query.arrow_options(parameters, **options), call)
            return QueryResult(await _progress.awaited(answer, call))

    async def query_json(
        self,
        sql: str,
        parameters: Mapping[str, Parameter] | None = None,
        *,
        on_progress: OnQueryProgress | None = None,
        progress_bar: bool | None = None,
        **options: Unpack[TextOptions],
    ) -> bytes:
        """As :meth:`Helios.query_json`."""
        with _bars.query(progress_bar, on_progress) as bar:
            call = _progress.on_this_loop(bar.call())
            answer = self._native.query_json_async(query.sql(sql), query.text_options(parameters, **options), call)
            return await _progress.awaited(answer, call)

    async def query_bytes(
        self,
        sql: str,
        parameters: Mapping[str, Parameter] | None = None,
        *,
        format: Literal["json", "ndjson", "csv", "arrow", "parquet"] = "ndjson",
        on_progress: OnQueryProgress | None = None,
        progress_bar: bool | None = None,
        **options: Unpack[BytesOptions],
    ) -> AsyncQueryBytes:
        """As :meth:`Helios.query_bytes`."""
        with _bars.query(progress_bar, on_progress) as bar:
            call = _progress.on_this_loop(bar.call())
            answer = self._native.query_bytes_async(
                query.sql(sql), query.form(format), query.options(parameters, **options), call
            )
            return AsyncQueryBytes(await _progress.awaited(answer, call), bar.goes_on(), call)

    async def query_arrow(
        self,
        sql: str,
        parameters: Mapping[str, Parameter] | None = None,
        *,
        on_progress: OnQueryProgress | None = None,
        progress_bar: bool | None = None,
        **options: Unpack[ArrowOptions],
    ) -> AsyncQueryBatches:
        """As :meth:`Helios.query_arrow`."""
        with _bars.query(progress_bar, on_progress) as bar:
            call = _progress.on_this_loop(bar.call())
            answer = self._native.query_arrow_async(query.sql(sql), query.arrow_options(parameters, **options), call)
            return AsyncQueryBatches(await _progress.awaited(answer, call), bar.goes_on(), call)

    async def cancel_query(self, query_id: str) -> bool:
        """As :meth:`Helios.cancel_query`."""
        return await self._native.cancel_query_async(text("query_id", query_id))

    async def query_progress(self, query_id: str) -> QueryProgress | None:
        """As :meth:`Helios.query_progress`."""
        return query.progress(await self._native.query_progress_async(text("query_id", query_id)))

    async def authenticate(
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
        """As :meth:`Helios.authenticate`."""
        given = authentication.credentials(
            access_key,
            secret_key,
            session_token=session_token,
            region=region,
            role_arn=role_arn,
            external_id=external_id,
            profile=profile,
        )
        return authentication.read(await self._native.authenticate_async(given))

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
    ) -> AsyncHelios:
        """As :meth:`Helios.with_credentials`; it is not awaited."""
        given = authentication.credentials(
            access_key,
            secret_key,
            session_token=session_token,
            region=region,
            role_arn=role_arn,
            external_id=external_id,
            profile=profile,
        )
        return AsyncHelios(self._native.with_credentials(given or "{}"))

    async def streams(self) -> list[Stream]:
        """As :meth:`Helios.streams`."""
        return stream_lists.read_all(await self._native.streams_async())

    async def put_events(
        self,
        stream: str,
        events: Iterable[Event] | AsyncIterable[Event],
        *,
        partition_key: str | None = None,
        on_progress: OnEventsPut | None = None,
        progress_bar: bool | None = None,
    ) -> EventsPut:
        """As :meth:`Helios.put_events`. The events may come from an asynchronous iterable, too."""
        put = EventsPut(text("stream", stream), 0, 0, 0)
        with _bars.put(progress_bar, on_progress, events) as bar:
            async for part in Parts(stream, partition_key).of_any(events):
                put = put.and_then(read(EventsPut, await self._native.put_events_async(part)))
                if bar.tell(put) is False:
                    break
        return put

    async def sample(
        self,
        stream: str,
        *,
        on_progress: OnSampleProgress | None = None,
        progress_bar: bool | None = None,
        **sampling: Unpack[SampleOptions],
    ) -> StreamSample:
        """As :meth:`Helios.sample`."""
        options = sample.options(**sampling)
        with _bars.sample(progress_bar, on_progress, sampling.get("max_events")) as bar:
            call = _progress.on_this_loop(bar.call())
            answer = self._native.kinesis_sample_async(text("stream", stream), options, call)
            return sample.read(*await _progress.awaited(answer, call))

    async def check_schema(
        self,
        stream: str | None = None,
        *,
        events: Iterable[Any] | None = None,
        schema: SchemaLike | None = None,
        edits: Iterable[Mapping[str, Any]] = (),
        table: str | None = None,
        database: str = "default",
        order_by: Iterable[str] | None = None,
        partition_by: str | None = None,
        unknown_fields: Literal["ignore", "quarantine", "addColumn"] = "ignore",
        missing_fields: Literal["reject", "zeroValue"] = "reject",
        **sampling: Unpack[SampleOptions],
    ) -> SchemaCheck:
        """As :meth:`Helios.check_schema`."""
        options = check.check_options(
            stream,
            events=events,
            schema=schema,
            edits=edits,
            table=table,
            database=database,
            order_by=order_by,
            partition_by=partition_by,
            unknown_fields=unknown_fields,
            missing_fields=missing_fields,
            **sampling,
        )
        return read(SchemaCheck, await self._native.check_schema_async(options))

    async def schema_drift(
        self,
        table: str,
        *,
        database: str = "default",
        stream: str | None = None,
        events: Iterable[Any] | None = None,
        **sampling: Unpack[SampleOptions],
    ) -> SchemaDrift:
        """As :meth:`Helios.schema_drift`."""
        options = drift.drift_options(
            table,
            database=database,
            stream=stream,
            events=events,
            **sampling,
        )
        return read(SchemaDrift, await self._native.schema_drift_async(options))

    async def plan(
        self,
        stream: str,
        table: str,
        schema: SchemaLike,
        *,
        sample: SampleOptions | None = None,
        **options: Unpack[TableOptions],
    ) -> CreatePlan:
        """As :meth:`Helios.plan`."""
        spec = tables.plan(stream, table, schema, sample, **options)
        return read(CreatePlan, await self._native.plan_async(spec))

    async def create_table(
        self,
        stream: str,
        table: str,
        schema: SchemaLike,
        **options: Unpack[TableOptions],
    ) -> TableCreated:
        """As :meth:`Helios.create_table`."""
        spec = tables.spec(stream, table, schema, **options)
        return read(TableCreated, await self._native.create_table_async(spec))

    async def sources(self) -> list[Source]:
        """As :meth:`Helios.sources`."""
        return sources.read_all(await self._native.sources_async())

    async def pause(self, source: str | Source) -> Source:
        """As :meth:`Helios.pause`."""
        return sources.read(await self._native.pause_async(sources.named(source)))

    async def resume(self, source: str | Source) -> Source:
        """As :meth:`Helios.resume`."""
        return sources.read(await self._native.resume_async(sources.named(source)))

    async def remove(self, source: str | Source, *, table: Literal["keep", "drop"] = "keep") -> SourceRemoved:
        """As :meth:`Helios.remove`."""
        return read(SourceRemoved, await self._native.remove_async(sources.removal(source, table)))

    async def repair(self) -> Repair:
        """As :meth:`Helios.repair`."""
        return read(Repair, await self._native.repair_async())

    async def doctor(self) -> Diagnosis:
        """As :meth:`Helios.doctor`."""
        return read(Diagnosis, await self._native.doctor_async())

    async def consume(
        self,
        stream: str,
        *,
        until_caught_up: bool = False,
        time_limit: float | None = None,
        position: Position | None = None,
        on_progress: OnProgress | None = None,
    ) -> AsyncConsumer:
        """As :meth:`Helios.consume`. It is awaited until the consumer has begun; ``on_progress`` is called by the event loop."""
        options = delivery.consume_options(
            stream, until_caught_up=until_caught_up, time_limit=time_limit, position=position
        )
        running = self._consumers.running(stream, options)
        if running is None:
            call = _progress.on_this_loop(_progress.reader(ConsumeProgress, on_progress))
            native = await self._native.consume_async(options, call)
            running = self._consumers.add(AsyncConsumer(native, stream, call), options)
        return running

    def consumers(self) -> list[AsyncConsumer]:
        """As :meth:`Helios.consumers`; it is not awaited."""
        return self._consumers.all()

    async def delivery_report(
        self, table: str, *, database: str = "default", stream: str | None = None, count_rows: bool = False
    ) -> DeliveryReport:
        """As :meth:`Helios.delivery_report`."""
        options = delivery.report_options(table, database=database, stream=stream, count_rows=count_rows)
        return read(DeliveryReport, await self._native.delivery_report_async(options))

    async def settle_range(
        self,
        table: str,
        shard: str,
        outcome: Literal["committed", "absent", "abandon"],
        *,
        database: str = "default",
        stream: str | None = None,
    ) -> RangeSettled:
        """As :meth:`Helios.settle_range`."""
        options = delivery.settlement(table, shard, outcome, database=database, stream=stream)
        return read(RangeSettled, await self._native.settle_range_async(options))

    async def quarantine(self, table: str, **selection: Unpack[Selection]) -> QuarantineSummary:
        """As :meth:`Helios.quarantine`."""
        options = rejects.selection(table, **selection)
        return read(QuarantineSummary, await self._native.quarantine_async(options))

    async def quarantine_show(
        self, table: str, *, limit: int | None = None, offset: int | None = None, **selection: Unpack[Selection]
    ) -> ShownRejects:
        """As :meth:`Helios.quarantine_show`."""
        options = rejects.show(table, limit, offset, **selection)
        return read(ShownRejects, await self._native.quarantine_show_async(options))

    async def quarantine_replay(
        self, table: str, *, dry_run: bool = False, **selection: Unpack[Selection]
    ) -> ReplayReport:
        """As :meth:`Helios.quarantine_replay`."""
        options = rejects.replay(table, dry_run=dry_run, **selection)
        return read(ReplayReport, await self._native.quarantine_replay_async(options))

    async def quarantine_discard(self, table: str, **selection: Unpack[Selection]) -> Discarded:
        """As :meth:`Helios.quarantine_discard`."""
        options = rejects.selection(table, **selection)
        return read(Discarded, await self._native.quarantine_discard_async(options))

    async def quarantine_retention(self, table: str, days: int | None, *, database: str = "default") -> Retention:
        """As :meth:`Helios.quarantine_retention`."""
        options = rejects.retention(table, days, database=database)
        return read(Retention, await self._native.quarantine_retention_async(options))

    async def listen(self, port: int = 0, *, user: str | None = None, password: str | None = None) -> Listener:
        """As :meth:`Helios.listen`."""
        return Listener(await self._native.listen_async(local_port(port), credentials(user, password)))

    @property
    def engine(self) -> Engine | None:
        """As :attr:`Helios.engine`."""
        found = self._native.engine
        return found and Engine(*found)

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._native.closed

    async def close(self) -> None:
        """As :meth:`Helios.close`."""
        await self._native.close_async()

    async def __aenter__(self) -> AsyncHelios:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<helios.AsyncHelios {'closed' if self.closed else 'of ' + self._native.place}>"
