"""The client, for programs without asyncio."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
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
from .consumer import Consumer
from .delivery import ConsumeProgress, DeliveryReport, OnProgress, RangeSettled
from .drift import SchemaDrift
from .engine import Engine, Listener, credentials, local_port
from .parameters import Parameter
from .query import ArrowOptions, BytesOptions, OnQueryProgress, QueryProgress, QueryResult, TextOptions
from .query_batches import QueryBatches
from .query_bytes import QueryBytes
from .rejects import Discarded, QuarantineSummary, ReplayReport, Retention, Selection, ShownRejects
from .sample import OnSampleProgress, Position, SampleOptions, StreamSample
from .source import Repair, Source, SourceRemoved
from .stream import Event, EventsPut, OnEventsPut, Parts, Stream
from .table import CreatePlan, Diagnosis, TableCreated, TableOptions

if TYPE_CHECKING:
    from typing_extensions import Unpack


def connect(
    path: str | os.PathLike[str] | None = None,
    *,
    url: str | None = None,
    **options: str | os.PathLike[str] | None,
) -> Helios:
    """Open a client of a ClickHouse: in this process, or on a server.

    Without a ``url`` an embedded ClickHouse is opened, with its data in the folder ``path`` (``helios-data`` unless
    given). A process has one such folder open at a time; clients of the same folder share the engine.

    Settings come from the environment (``HELIOS_CLICKHOUSE_URL`` and so on; for AWS also what its SDK reads), and keyword
    arguments are put over them. ``None`` counts as not given. The options are ``clickhouse_user``,
    ``clickhouse_password``, ``clickhouse_database``, ``clickhouse_compression`` (``lz4``, ``zstd`` or ``none``),
    ``chdb_lib``, ``aws_region``, ``aws_endpoint_url``, ``aws_access_key_id``, ``aws_secret_access_key``, ``aws_session_token``, ``aws_profile``, ``aws_role_arn``,
    ``aws_external_id``, ``mapping_table``, ``ledger_table``, ``delivery_function``.

    Raises :class:`ConfigError` for settings that are unknown or contradict each other, and
    :class:`EngineUnavailableError` if the engine cannot be opened. Nothing else is connected to yet.

    >>> with helios.connect("./data") as client:
    ...     client.query("SELECT 1 AS one").rows()
    [{'one': 1}]
    """
    return Helios(_helios.connect(settings(path, url, options)))


class Helios:
    """All of Helios. Made by :func:`connect`.

    Threads may share it. Each method waits for its answer without holding up other threads, and Ctrl-C ends it, on the
    engine too. For asyncio there is :class:`AsyncHelios`.
    """

    __slots__ = ("__weakref__", "_consumers", "_native")

    def __init__(self, native: _helios.Client) -> None:
        self._native = native
        self._consumers: Consumers[Consumer] = Consumers()

    def engine_info(self) -> Engine:
        """Which ClickHouse this is, the embedded one or a server, which is asked for its version.

        >>> client.engine_info()
        Engine(version='...', origin='...')
        """
        return read(Engine, self._native.engine_info())

    def databases(self) -> dict[str, list[str]]:
        """Every database, with the names of its tables, sorted: ``{"default": ["events", "users"]}``.

        >>> "clicks" in client.databases()["default"]
        True
        """
        answer: dict[str, list[str]] = _json.loads(self._native.databases())
        return answer

    def query(
        self,
        sql: str,
        parameters: Mapping[str, Parameter] | None = None,
        *,
        on_progress: OnQueryProgress | None = None,
        progress_bar: bool | None = None,
        **options: Unpack[ArrowOptions],
    ) -> QueryResult:
        """Run a statement and return its whole result.

        ``parameters`` are the values of ``{name:Type}`` in the text; they never become SQL. A ``datetime`` without a zone
        is what the clock shows in the parameter's zone.

        The options are those of :class:`ArrowOptions`: ``database``, the one of tables named without one; ``read_only``,
        which refuses everything that writes or reaches outside; ``limit``, the first so many rows; the limits
        ``max_execution_time``, ``max_result_rows``, ``max_result_bytes`` and ``max_memory_usage``, of which none is set by
        default, in seconds, rows and bytes; ``query_id``; ``wide_integers``.

        ``on_progress`` is called about four times a second with how far the query is, by the thread that waits for it. If it
        returns ``False`` the query is cancelled, which raises :class:`QueryCancelledError`; what it raises is raised here.
        It may use the client, but not close it. ``progress_bar`` shows the same as a bar, which is gone when the query is
        over: unless given in notebooks, if the package tqdm is there (``pip install 'helios-py[notebook]'``) and the query
        takes more than half a second; ``True`` everywhere and at once; ``False`` nowhere.

        Raises :class:`InvalidQueryError`, :class:`NotFoundError`, :class:`LimitExceededError`,
        :class:`HeliosTimeoutError` and whatever else ClickHouse says, with its number in ``server_code``.

        >>> client.query("SELECT page FROM clicks WHERE user_id = {user:UInt8} ORDER BY at", {"user": 7}).rows()
        [{'page': '/'}, {'page': '/cart'}]
        """
        with _bars.query(progress_bar, on_progress) as bar:
            answer = self._native.query(query.sql(sql), query.arrow_options(parameters, **options), bar.call())
        return QueryResult(answer)

    def query_json(
        self,
        sql: str,
        parameters: Mapping[str, Parameter] | None = None,
        *,
        on_progress: OnQueryProgress | None = None,
        progress_bar: bool | None = None,
        **options: Unpack[TextOptions],
    ) -> bytes:
        """Run a statement and return its whole result as the documented JSON, as HTTP answers it.

        ``{"data":[{…},…],"metadata":{"query":…,"row_count":…,"column_names":[…],"column_types":[…]}}``, in UTF-8. Values are
        as ClickHouse writes them: NaN and infinities are ``null``, bytes that are not UTF-8 become U+FFFD.

        The options are those of :meth:`query`, with ``times`` and ``quote_64bit_integers`` of :class:`TextOptions` in
        place of ``wide_integers``. It raises what :meth:`query` raises.

        >>> client.query_json("SELECT 1 AS one")
        b'{"data":[{"one":1}],"metadata":{"query":"SELECT 1 AS one","row_count":1,...}}'
        """
        with _bars.query(progress_bar, on_progress) as bar:
            return self._native.query_json(query.sql(sql), query.text_options(parameters, **options), bar.call())

    def query_bytes(
        self,
        sql: str,
        parameters: Mapping[str, Parameter] | None = None,
        *,
        format: Literal["json", "ndjson", "csv", "arrow", "parquet"] = "ndjson",
        on_progress: OnQueryProgress | None = None,
        progress_bar: bool | None = None,
        **options: Unpack[BytesOptions],
    ) -> QueryBytes:
        """Run a statement and read its result as bytes, in constant memory.

        ``format`` is ``"ndjson"``, one JSON object a line, ``"csv"``, the names first, ``"json"``, ``"arrow"``, an IPC
        stream, or ``"parquet"``. The options are those of :meth:`query` and :meth:`query_json`; what is of no use to the
        form is passed over. ``on_progress`` is called, and the bar moves, while somebody waits for a chunk.

        >>> with client.query_bytes("SELECT 1 AS one", format="csv") as chunks:
        ...     b"".join(chunks)
        b'"one"\\n1\\n'

        An error before the first row is raised here; one after it by the iteration, and what came before is then not
        a whole result.
        """
        with _bars.query(progress_bar, on_progress) as bar:
            answer = self._native.query_bytes(
                query.sql(sql), query.form(format), query.options(parameters, **options), bar.call()
            )
            return QueryBytes(answer, bar.goes_on())

    def query_arrow(
        self,
        sql: str,
        parameters: Mapping[str, Parameter] | None = None,
        *,
        on_progress: OnQueryProgress | None = None,
        progress_bar: bool | None = None,
        **options: Unpack[ArrowOptions],
    ) -> QueryBatches:
        """Run a statement and read its result as record batches, in constant memory.

        The options are those of :meth:`query`. ``on_progress`` is called, and the bar moves, while somebody waits for a batch.

        >>> with client.query_arrow("SELECT number FROM numbers(100000)") as batches:
        ...     sum(len(batch) for batch in batches)
        100000

        An error before the first batch is raised here; one after it by the iteration, and what came before is then
        not a whole result.
        """
        with _bars.query(progress_bar, on_progress) as bar:
            answer = self._native.query_arrow(query.sql(sql), query.arrow_options(parameters, **options), bar.call())
            return QueryBatches(answer, bar.goes_on())

    def cancel_query(self, query_id: str) -> bool:
        """End the query of this name, whichever client of this ClickHouse began it. ``False`` if none runs.

        Whoever reads its result gets a :class:`QueryCancelledError`. On a server without other rights a user can end
        their own queries; in a cluster, those of the node that is asked.

        Raises :class:`InvalidInputError` for what is no name of a query.

        >>> client.cancel_query("report-7")
        False
        """
        return self._native.cancel_query(text("query_id", query_id))

    def query_progress(self, query_id: str) -> QueryProgress | None:
        """How far the query of this name is; ``None`` if none runs.

        Raises :class:`InvalidInputError` for what is no name of a query.

        >>> with client.query_arrow("SELECT number FROM system.numbers", query_id="report-7") as batches:
        ...     batch = next(batches)
        ...     client.query_progress("report-7").read_rows >= len(batch)
        True
        """
        return query.progress(self._native.query_progress(text("query_id", query_id)))

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

        >>> client.authenticate().stream_names
        ['clicks']
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
    ) -> Helios:
        """Return another client that speaks to AWS as somebody else; without arguments, as whoever the AWS SDK finds.

        It shares all connections, and the engine, which stays open until both are closed. Nothing is checked yet but the
        form of the credentials (:class:`InvalidInputError`).

        >>> with client.with_credentials("AKIAEXAMPLE", "secret", region="eu-west-1") as other:
        ...     other.query("SELECT 1 AS one").rows()
        [{'one': 1}]
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
        return Helios(self._native.with_credentials(given or "{}"))

    def streams(self) -> list[Stream]:
        """Every Kinesis stream that the credentials see in their region, by name.

        >>> [stream.stream_name for stream in client.streams()]
        ['clicks']

        Raises :class:`PermissionDeniedError` without ``kinesis:ListStreams``.
        """
        return stream_lists.read_all(self._native.streams())

    def put_events(
        self,
        stream: str,
        events: Iterable[Event],
        *,
        partition_key: str | None = None,
        on_progress: OnEventsPut | None = None,
        progress_bar: bool | None = None,
    ) -> EventsPut:
        """Put events into a stream: dicts, or JSON objects as text.

        >>> client.put_events("clicks", ({"id": id, "page": "/cart"} for id in range(1000))).events
        1000

        They are put part by part, in constant memory: the iterable may go on for ever. ``partition_key`` is the field of each
        event that is its partition key, a string or a number, as a JSON Pointer: ``"/user/id"``. Events with the same key go
        to the same shard, in order unless the stream is busy: what it does not take at once is put again, after what follows it.
        Without it the keys are random.

        ``on_progress`` is called after each part with what was put so far. If it returns ``False`` that is all.
        ``progress_bar`` is that of :meth:`query`.

        Raises :class:`InvalidInputError` for what is no event, or has no key; ``context["event"]`` is its number, from 0. Raises
        :class:`NotFoundError` for the stream, :class:`PermissionDeniedError` without ``kinesis:PutRecords``, and
        :class:`LimitExceededError` if it goes on being busy. Where some of the part's events are in the stream,
        ``context["not_put"]`` says which are not: ``"17, 33-35"``; all before the part are.
        """
        put = EventsPut(text("stream", stream), 0, 0, 0)
        with _bars.put(progress_bar, on_progress, events) as bar:
            for part in Parts(stream, partition_key).of(events):
                put = put.and_then(read(EventsPut, self._native.put_events(part)))
                if bar.tell(put) is False:
                    break
        return put

    def sample(
        self,
        stream: str,
        *,
        on_progress: OnSampleProgress | None = None,
        progress_bar: bool | None = None,
        **sampling: Unpack[SampleOptions],
    ) -> StreamSample:
        """Read a few events of a stream and infer the schema that fits them all.

        At most ``max_events`` (100 unless given) from ``position`` (recent history, then new arrivals) up to ``until`` (the
        present end) within ``time_limit`` seconds (10). ``stream`` is a name or an ARN. ``inference`` says how types are chosen where there is
        a choice: ``{"integers": "narrow"}``; see :class:`Inference`.

        ``on_progress`` is called with how far it is: when the shards are known, after each round through them, and four times
        a second. If it returns ``False``, what was found by then is the sample; what it raises is raised here.

        Raises :class:`NotFoundError` for the stream, and what else AWS says.

        >>> sample = client.sample("clicks", inference={"integers": "narrow"})
        >>> sample.events_read, sample.inferred_schema[0]
        (3, Column(name='user_id', type='UInt16'))
        """
        options = sample.options(**sampling)
        with _bars.sample(progress_bar, on_progress, sampling.get("max_events")) as bar:
            return sample.read(*self._native.kinesis_sample(text("stream", stream), options, bar.call()))

    def check_schema(
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
        """Say which events a table would not take, and why, and what statement would make it. Nothing is made.

        The events are those of a sample of ``stream``, read as by :meth:`sample`, or ``events`` that are at hand.
        ``schema`` is by default the one that is inferred from them; ``edits`` are made first, in the form that
        :meth:`Schema.edit` takes. The others mean what they mean to :meth:`create_table`.

        Raises :class:`InvalidInputError` for an edit that cannot be made and for columns that no table can have.

        >>> check = client.check_schema("clicks", schema={"user_id": "UInt8", "page": "String"})
        >>> check.fitting, check.rejected, check.rejects[0].path
        (2, 1, '$.user_id')
        """
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
        return read(SchemaCheck, self._native.check_schema(options))

    def schema_drift(
        self,
        table: str,
        *,
        database: str = "default",
        stream: str | None = None,
        events: Iterable[Any] | None = None,
        **sampling: Unpack[SampleOptions],
    ) -> SchemaDrift:
        """Compare a table with later events: new fields, changed types, what is lost, and the ``ALTER`` that mends it.

        The events are those of a sample of the stream that fills the table, or ``events`` that are at hand. ``stream`` is
        needed only where several streams fill it, or none of Helios'. Nothing is changed.

        Raises :class:`NotFoundError` for the table, or if no source fills it and no stream is named.

        >>> drift = client.schema_drift("clicks", events=[{"user_id": 7, "page": "/", "plan": "pro"}])
        >>> print(drift.alter)
        ALTER TABLE `default`.`clicks`
            ADD COLUMN `plan` Nullable(String)
        """
        options = drift.drift_options(
            table,
            database=database,
            stream=stream,
            events=events,
            **sampling,
        )
        return read(SchemaDrift, self._native.schema_drift(options))

    def plan(
        self,
        stream: str,
        table: str,
        schema: SchemaLike,
        *,
        sample: SampleOptions | None = None,
        **options: Unpack[TableOptions],
    ) -> CreatePlan:
        """Say what :meth:`create_table` would do with the same arguments, and what would keep it from that. Nothing is made.

        ``sample`` is how the stream is sampled: its events are held against ``schema``.

        Raises :class:`InvalidInputError` for what no stream and no ClickHouse could meet. What else would keep the table from
        being made is among the obstacles.

        >>> plan = client.plan("clicks", "visits", {"user_id": "UInt64"}, delivery="consumer")
        >>> plan.possible, plan.steps[1]
        (True, PlanStep(what='table', action='create', detail='default.visits'))
        """
        spec = tables.plan(stream, table, schema, sample, **options)
        return read(CreatePlan, self._native.plan(spec))

    def create_table(
        self,
        stream: str,
        table: str,
        schema: SchemaLike,
        **options: Unpack[TableOptions],
    ) -> TableCreated:
        """Make a table and let a stream fill it: all of it or nothing.

        ``schema`` is a list of columns, such as ``inferred_schema`` of a sample, or a dict from name to ClickHouse type. The
        options are those of :class:`TableOptions`: ``database`` and ``create_database``, which makes it if it does not exist;
        ``order_by``, ``partition_by``, ``ttl``, ``engine``, ``on_cluster`` and ``provenance`` of the table, and
        ``existing_table``, whether an existing table may be filled, and ``add_batch_column``, which adds the column by which
        its rows are counted; ``start_position``, where in the stream to begin (default: now); ``delivery``, who delivers;
        ``batch_size``, ``batching_window_seconds`` and ``on_failure`` of the trigger; ``unknown_fields`` and
        ``missing_fields``, how to treat events that do not fit exactly.

        The same again, at the same time or later, has the same answer, and makes nothing.

        Raises :class:`InvalidInputError` for a bad name, schema, key or position, :class:`NotFoundError` for the stream,
        the database or the delivery function, :class:`AlreadyExistsError` if the stream feeds this table already in another
        way, :class:`ConflictError` if the table exists with another schema or another create is under way.

        >>> schema = client.sample("clicks").inferred_schema
        >>> client.create_table("clicks", "visits", schema, delivery="consumer", start_position="oldest").message
        'Table default.visits created; the stream clicks fills it.'
        """
        spec = tables.spec(stream, table, schema, **options)
        return read(TableCreated, self._native.create_table(spec))

    def sources(self) -> list[Source]:
        """Every source as it stands, in the order of creation. What is wrong with one is among its problems.

        >>> [(source.stream_name, source.table_name, source.state) for source in client.sources()]
        [('clicks', 'clicks', 'active')]
        """
        return sources.read_all(self._native.sources())

    def pause(self, source: str | Source) -> Source:
        """Deliver a source's events no more, until it is resumed. What is under way comes to its end; nothing is lost.

        A source is one of :meth:`sources`, its id, or its table: ``"clicks"``, ``"shop.clicks"``.

        Raises :class:`NotFoundError` for the source, :class:`ConflictError` if it is being created or removed.

        >>> client.pause("clicks").state
        'paused'
        """
        return sources.read(self._native.pause(sources.named(source)))

    def resume(self, source: str | Source) -> Source:
        """Go on with a source where it was paused. It is named as by :meth:`pause`.

        >>> client.resume("clicks").state
        'active'
        """
        return sources.read(self._native.resume(sources.named(source)))

    def remove(self, source: str | Source, *, table: Literal["keep", "drop"] = "keep") -> SourceRemoved:
        """Remove a source. Its table stays, unless it is to be dropped with its rows.

        The trigger of the stream goes with the last of its sources.

        Raises :class:`ConflictError` if the table is to be dropped and Helios has not made it, or another stream fills it.

        >>> client.remove("clicks").table
        'keep'
        """
        return read(SourceRemoved, self._native.remove(sources.removal(source, table)))

    def repair(self) -> Repair:
        """Finish or undo what was interrupted, and mend what was changed by hand. Say what was done, and what is left.

        >>> client.repair()
        Repair(done=[], left=[])
        """
        return read(Repair, self._native.repair())

    def doctor(self) -> Diagnosis:
        """Look at all that Helios needs, and say what is missing and what to do. Nothing is changed.

        >>> for check in client.doctor().checks:
        ...     if check.status == "missing":
        ...         print(f"{check.check}: {check.remedy}")
        delivery function: deploy it as examples/deploy/README.md says, or name it in `delivery_function`; ...
        """
        return read(Diagnosis, self._native.doctor())

    def consume(
        self,
        stream: str,
        *,
        until_caught_up: bool = False,
        time_limit: float | None = None,
        position: Position | None = None,
        on_progress: OnProgress | None = None,
    ) -> Consumer:
        """Deliver a stream from this process to all its tables, in the background, and return at once.

        >>> with client.consume("clicks", until_caught_up=True) as consumer:
        ...     report = consumer.wait()
        >>> report.ended
        'caughtUp'

        It goes on with what arrives until it is stopped, or, with ``until_caught_up``, until every shard is delivered to its
        present end, or for ``time_limit`` seconds. ``position`` is where to begin in shards of which nothing was delivered yet:
        where each source was created to begin unless given. It goes on where the last delivery has ended, whoever made it: a
        process that dies loses and doubles nothing.

        ``on_progress`` is called by a thread of Helios with what was done so far: after batches, and once a second where none
        comes. If it returns ``False`` the consumer stops; so it does if it raises, and :meth:`Consumer.wait` raises that. It may use
        the client, but not close it.

        While a consumer of the same stream runs in this client, with the same options, that one is returned: to run a cell
        of a notebook again changes nothing. :meth:`consumers` finds it.

        Raises :class:`NotFoundError` if there is no such stream, or it has no source, :class:`PermissionDeniedError`, and
        :class:`ConflictError` if one with other options runs.
        """
        options = delivery.consume_options(
            stream, until_caught_up=until_caught_up, time_limit=time_limit, position=position
        )
        running = self._consumers.running(stream, options)
        if running is None:
            native = self._native.consume(options, _progress.reader(ConsumeProgress, on_progress))
            running = self._consumers.add(Consumer(native, stream), options)
        return running

    def consumers(self) -> list[Consumer]:
        """The consumers of this client that still run.

        >>> with client.consume("clicks") as consumer:
        ...     client.consumers() == [consumer]
        True
        """
        return self._consumers.all()

    def delivery_report(
        self, table: str, *, database: str = "default", stream: str | None = None, count_rows: bool = False
    ) -> DeliveryReport:
        """What became of the events of a source: how many came, where they are, and whether any are missing.

        ``stream`` is needed only if several streams fill the table. ``count_rows`` counts the table's rows and compares them
        with what was inserted; it reads one column of the whole table.

        Raises :class:`NotFoundError` if no source fills this table, :class:`ConflictError` if several do.

        >>> report = client.delivery_report("clicks")
        >>> report.received, report.inserted, report.quarantined
        (3, 2, 1)
        >>> report.check()  # raises if an event is missing
        >>> client.delivery_report("clicks", count_rows=True).counted
        RowCount(rows=2, expected=2, under_way=0)
        """
        options = delivery.report_options(table, database=database, stream=stream, count_rows=count_rows)
        return read(DeliveryReport, self._native.delivery_report(options))

    def settle_range(
        self,
        table: str,
        shard: str,
        outcome: Literal["committed", "absent", "abandon"],
        *,
        database: str = "default",
        stream: str | None = None,
    ) -> RangeSettled:
        """Settle a range that is uncertain or failing: somebody has looked into the table, and says what became of it.

        ``outcome`` is ``"committed"``, its rows are in the table, ``"absent"``, none of them is, or ``"abandon"``. The
        ``shard`` is ``"quarantine"`` for a replay that was interrupted.

        Raises :class:`ConflictError` if no range of the shard needs it.

        >>> client.settle_range("clicks", "shardId-000000000000", "committed")
        Traceback (most recent call last):
            ...
        helios.exceptions.ConflictError: ...
        """
        options = delivery.settlement(table, shard, outcome, database=database, stream=stream)
        return read(RangeSettled, self._native.settle_range(options))

    def quarantine(self, table: str, **selection: Unpack[Selection]) -> QuarantineSummary:
        """What of a table's events is in quarantine, by reason and place.

        Conditions, of which each must be met: ``database``, ``error_type``, ``path``, ``sequence_number``, ``since`` and
        ``until``; they are those of :class:`Selection`, and of the methods that follow.

        Raises :class:`InvalidInputError` for an unknown reason, :class:`NotFoundError` if there is no such table and
        nothing of it in quarantine.

        >>> for group in client.quarantine("clicks").groups:
        ...     print(group.events, group.error_type, group.path, group.example.value)
        1 out_of_range $.user_id 300
        """
        options = rejects.selection(table, **selection)
        return read(QuarantineSummary, self._native.quarantine(options))

    def quarantine_show(
        self, table: str, *, limit: int | None = None, offset: int | None = None, **selection: Unpack[Selection]
    ) -> ShownRejects:
        """Rejects with their bytes, the newest first: at most ``limit`` (20, up to 1000), after ``offset`` others.

        >>> [reject.raw_data for reject in client.quarantine_show("clicks", limit=1).rejects]
        ['{"user_id": 300, "page": "/", "at": "2026-01-31T12:00:02Z"}']
        """
        options = rejects.show(table, limit, offset, **selection)
        return read(ShownRejects, self._native.quarantine_show(options))

    def quarantine_replay(self, table: str, *, dry_run: bool = False, **selection: Unpack[Selection]) -> ReplayReport:
        """Replay rejects: those that fit the table as it is now become rows, once, and leave the quarantine.

        With ``dry_run`` it only counts. Repeating it does nothing more; one that was interrupted is finished by the next.
        Rejects whose shard has not delivered their range yet stay, and the message counts them.

        Raises :class:`NotFoundError` for the table, :class:`ConflictError` if it cannot be known what became of an
        interrupted replay.

        >>> client.quarantine_replay("clicks", dry_run=True).message
        '0 of 1 would now fit'
        """
        options = rejects.replay(table, dry_run=dry_run, **selection)
        return read(ReplayReport, self._native.quarantine_replay(options))

    def quarantine_discard(self, table: str, **selection: Unpack[Selection]) -> Discarded:
        """Throw rejects away: they are lost. What comes into quarantine meanwhile stays.

        >>> client.quarantine_discard("clicks", error_type="out_of_range")
        Discarded(discarded=1)
        """
        options = rejects.selection(table, **selection)
        return read(Discarded, self._native.quarantine_discard(options))

    def quarantine_retention(self, table: str, days: int | None, *, database: str = "default") -> Retention:
        """Set for how many days the rejects of a table are kept, 1 to 36,500; ``None``: for ever, as at first.

        >>> client.quarantine_retention("clicks", 30)
        Retention(table_name='clicks', database_name='default', days=30)
        """
        options = rejects.retention(table, days, database=database)
        return read(Retention, self._native.quarantine_retention(options))

    def listen(self, port: int = 0, *, user: str | None = None, password: str | None = None) -> Listener:
        """Serve the embedded engine on a port of this machine, so that other tools can query it.

        :param port: the port; 0 takes a free one, see :attr:`Listener.url`.
        :param user: the user that a request must name. Without ``user`` and ``password``, every user and program of
            this machine may do all that the engine can, also read and write files as this process.
        :param password: the user's password.
        :raises InvalidInputError: the client is connected to a server.
        :raises UnavailableError: the port is in use.

        >>> import urllib.request
        >>> with client.listen() as listener:
        ...     urllib.request.urlopen(listener.url + "/?query=SELECT%201").read()
        b'1\\n'
        """
        return Listener(self._native.listen(local_port(port), credentials(user, password)))

    @property
    def engine(self) -> Engine | None:
        """The embedded engine, its version and where it was loaded from, or ``None`` if the client is connected to a server.

        >>> client.engine
        Engine(version='...', origin='...')
        """
        found = self._native.engine
        return found and Engine(*found)

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._native.closed

    def close(self) -> None:
        """End the operations under way and let go of the engine. It may be called again.

        When it returns, another folder can be opened, unless another client still has the engine.

        >>> client.close()
        >>> client.closed
        True
        """
        self._native.close()

    def __enter__(self) -> Helios:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<helios.Helios {'closed' if self.closed else 'of ' + self._native.place}>"
