"""The Rust side of Helios. Requests and small answers are JSON text; each operation is there blocking and as an awaitable."""

from collections.abc import Awaitable, Callable
from typing import Any, final

__all__ = [
    "Client",
    "Consumer",
    "Listener",
    "QueryBatch",
    "QueryBatches",
    "QueryBytes",
    "QueryResult",
    "SampledEvents",
    "__version__",
    "check_events",
    "connect",
    "connect_async",
    "describe_type",
    "edit_schema",
    "error_kinds",
]

__version__: str

def connect(settings: dict[str, str]) -> Client:
    """Opens a client: the settings of the environment, and these over them."""

def connect_async(settings: dict[str, str]) -> Awaitable[Client]:
    """`connect`, to be awaited."""

def check_events(spec: str, events: SampledEvents | None = None) -> str:
    """Says which events a table would not take; `spec` is the JSON of `CheckSchema`, and the events are those in it, if no others
    are given."""

def describe_type(text: str) -> tuple[str, list[str], list[str] | None, int | None]:
    """What a ClickHouse type is, whether or not its values may be null and however they are stored: its name, the types its values
    are made of, the names of an enum in the order of their numbers, and the digits of a decimal."""

def edit_schema(schema: str, edits: str) -> str:
    """Changes a schema; both are JSON."""

def error_kinds() -> list[str]:
    """Every kind of error, by its name."""

@final
class Client:
    """A client, open or closed. Any thread may use it."""

    def engine_info(self) -> str:
        """Says which ClickHouse runs."""

    def engine_info_async(self) -> Awaitable[str]:
        """`engine_info`, to be awaited."""

    def databases(self) -> str:
        """`{"default": ["events", "users"]}`"""

    def databases_async(self) -> Awaitable[str]:
        """`databases`, to be awaited."""

    def query(self, sql: str, options: str, on_progress: Callable[[str], object] | None = None) -> QueryResult:
        """Runs a query; `options` is the JSON of `QueryOptions`. `on_progress` gets the JSON of how far it is. If it returns
        `False` the query is cancelled, if it raises that is raised."""

    def query_async(
        self, sql: str, options: str, on_progress: Callable[[str], object] | None = None
    ) -> Awaitable[QueryResult]:
        """`query`, to be awaited. `on_progress` is called on a thread of Helios."""

    def query_json(self, sql: str, options: str, on_progress: Callable[[str], object] | None = None) -> bytes:
        """As `query`, for the documented JSON."""

    def query_json_async(
        self, sql: str, options: str, on_progress: Callable[[str], object] | None = None
    ) -> Awaitable[bytes]:
        """`query_json`, to be awaited. `on_progress` is called on a thread of Helios."""

    def query_bytes(
        self, sql: str, format: str, options: str, on_progress: Callable[[str], object] | None = None
    ) -> QueryBytes:
        """As `query`, for bytes of this form, chunk by chunk."""

    def query_bytes_async(
        self, sql: str, format: str, options: str, on_progress: Callable[[str], object] | None = None
    ) -> Awaitable[QueryBytes]:
        """`query_bytes`, to be awaited. `on_progress` is called on a thread of Helios."""

    def query_arrow(self, sql: str, options: str, on_progress: Callable[[str], object] | None = None) -> QueryBatches:
        """As `query`, for record batches, one by one."""

    def query_arrow_async(
        self, sql: str, options: str, on_progress: Callable[[str], object] | None = None
    ) -> Awaitable[QueryBatches]:
        """`query_arrow`, to be awaited. `on_progress` is called on a thread of Helios."""

    def cancel_query(self, query_id: str) -> bool:
        """Ends the query of this name; whether one was running."""

    def cancel_query_async(self, query_id: str) -> Awaitable[bool]:
        """`cancel_query`, to be awaited."""

    def query_progress(self, query_id: str) -> str | None:
        """How far the query of this name is, as JSON; `None` if none runs."""

    def query_progress_async(self, query_id: str) -> Awaitable[str | None]:
        """`query_progress`, to be awaited."""

    def authenticate(self, credentials: str | None = None) -> str:
        """Checks credentials, and goes on with them if they are accepted; without any, checks the client's own."""

    def authenticate_async(self, credentials: str | None = None) -> Awaitable[str]:
        """`authenticate`, to be awaited."""

    def with_credentials(self, credentials: str) -> Client:
        """Another client that acts with these credentials."""

    def kinesis_sample(
        self, stream: str, options: str, on_progress: Callable[[str], object] | None = None
    ) -> tuple[str, SampledEvents]:
        """Samples a stream: the answer as JSON, and the events. `options` is the JSON of `KinesisSampleOptions`. `on_progress` gets the JSON of how far it is, on
        the thread that waits. If it returns `False` the sample is what was found by then, if it raises that is raised."""

    def kinesis_sample_async(
        self, stream: str, options: str, on_progress: Callable[[str], object] | None = None
    ) -> Awaitable[tuple[str, SampledEvents]]:
        """`kinesis_sample`, to be awaited. `on_progress` is called on a thread of Helios."""

    def consume(self, options: str, on_progress: Callable[[str], object] | None = None) -> Consumer:
        """Starts a consumer; `options` is the JSON of `ConsumeOptions`. `on_progress` gets the JSON of what was done so far, on a
        thread of Helios. If it returns `False` the consumer stops, if it raises that is raised by whoever waits."""

    def consume_async(self, options: str, on_progress: Callable[[str], object] | None = None) -> Awaitable[Consumer]:
        """`consume`, to be awaited."""

    def streams(self) -> str:
        """Lists the streams."""

    def streams_async(self) -> Awaitable[str]:
        """`streams`, to be awaited."""

    def put_events(self, options: str) -> str:
        """Puts events into a stream; `options` is the JSON of `PutEvents`."""

    def put_events_async(self, options: str) -> Awaitable[str]:
        """`put_events`, to be awaited."""

    def check_schema(self, options: str) -> str:
        """Says which events a table would not take; `options` is the JSON of `CheckSchema`."""

    def check_schema_async(self, options: str) -> Awaitable[str]:
        """`check_schema`, to be awaited."""

    def schema_drift(self, options: str) -> str:
        """Compares a table with later events; `options` is the JSON of `DriftOptions`."""

    def schema_drift_async(self, options: str) -> Awaitable[str]:
        """`schema_drift`, to be awaited."""

    def plan(self, options: str) -> str:
        """Says what a create would do."""

    def plan_async(self, options: str) -> Awaitable[str]:
        """`plan`, to be awaited."""

    def create_table(self, options: str) -> str:
        """Creates a table and lets a stream fill it; `options` is the JSON of `CreateTable`."""

    def create_table_async(self, options: str) -> Awaitable[str]:
        """`create_table`, to be awaited."""

    def delivery_report(self, options: str) -> str:
        """What became of the events of a source; `options` is the JSON of `ReportOptions`."""

    def delivery_report_async(self, options: str) -> Awaitable[str]:
        """`delivery_report`, to be awaited."""

    def settle_range(self, options: str) -> str:
        """Settles a range that is uncertain or failing; `options` is the JSON of `SettleRange`."""

    def settle_range_async(self, options: str) -> Awaitable[str]:
        """`settle_range`, to be awaited."""

    def quarantine(self, options: str) -> str:
        """What of a table's events is in quarantine; `options` is the JSON of `RejectSelection`."""

    def quarantine_async(self, options: str) -> Awaitable[str]:
        """`quarantine`, to be awaited."""

    def quarantine_show(self, options: str) -> str:
        """Shows rejects; `options` is the JSON of `ShowRejects`."""

    def quarantine_show_async(self, options: str) -> Awaitable[str]:
        """`quarantine_show`, to be awaited."""

    def quarantine_replay(self, options: str) -> str:
        """Replays rejects; `options` is the JSON of `ReplayRejects`."""

    def quarantine_replay_async(self, options: str) -> Awaitable[str]:
        """`quarantine_replay`, to be awaited."""

    def quarantine_discard(self, options: str) -> str:
        """Throws rejects away; `options` is the JSON of `RejectSelection`."""

    def quarantine_discard_async(self, options: str) -> Awaitable[str]:
        """`quarantine_discard`, to be awaited."""

    def quarantine_retention(self, options: str) -> str:
        """Sets for how long rejects are kept; `options` is the JSON of `Retention`."""

    def quarantine_retention_async(self, options: str) -> Awaitable[str]:
        """`quarantine_retention`, to be awaited."""

    def pause(self, options: str) -> str:
        """Delivers a source's events no more."""

    def pause_async(self, options: str) -> Awaitable[str]:
        """`pause`, to be awaited."""

    def resume(self, options: str) -> str:
        """Goes on with a source."""

    def resume_async(self, options: str) -> Awaitable[str]:
        """`resume`, to be awaited."""

    def remove(self, options: str) -> str:
        """Removes a source."""

    def remove_async(self, options: str) -> Awaitable[str]:
        """`remove`, to be awaited."""

    def repair(self) -> str:
        """Finishes or undoes what was interrupted."""

    def repair_async(self) -> Awaitable[str]:
        """`repair`, to be awaited."""

    def doctor(self) -> str:
        """Looks at all that Helios needs."""

    def doctor_async(self) -> Awaitable[str]:
        """`doctor`, to be awaited."""

    def sources(self) -> str:
        """Lists the sources."""

    def sources_async(self) -> Awaitable[str]:
        """`sources`, to be awaited."""

    def close(self) -> None:
        """Ends the operations under way and lets go of the engine."""

    def close_async(self) -> Awaitable[None]:
        """`close`, to be awaited."""

    @property
    def closed(self) -> bool: ...
    @property
    def place(self) -> str:
        """Where ClickHouse is: a URL without its password, or the path of the embedded engine."""

    @property
    def engine(self) -> tuple[str, str] | None:
        """The version of the embedded engine, and where it comes from."""

    def listen(self, port: int, credentials: tuple[str, str] | None) -> Listener:
        """Serves the embedded engine on a port of this machine."""

    def listen_async(self, port: int, credentials: tuple[str, str] | None) -> Awaitable[Listener]:
        """`listen`, to be awaited."""

@final
class Listener:
    """A port that the embedded engine is served on."""

    @property
    def url(self) -> str: ...
    @property
    def closed(self) -> bool: ...
    def close(self) -> None:
        """Takes no more requests, and waits for those under way."""

    def close_async(self) -> Awaitable[None]:
        """`close`, to be awaited."""

@final
class SampledEvents:
    """The events of a sample."""

@final
class Consumer:
    """A consumer that runs in the background, or has."""

    def stop(self) -> None:
        """Asks it to end, and does not wait for that."""

    def progress(self) -> str:
        """What it has done so far, as JSON."""

    @property
    def running(self) -> bool: ...
    def wait(self, seconds: float | None = None) -> str | None:
        """Its report as JSON, when it has ended; `None` if it has not after so many seconds."""

    def wait_async(self, seconds: float | None = None) -> Awaitable[str | None]:
        """`wait`, to be awaited."""

@final
class QueryResult:
    """A whole result, as Arrow."""

    @property
    def sql(self) -> str:
        """The SQL text."""

    @property
    def query_id(self) -> str:
        """The name that the query had."""

    @property
    def columns(self) -> list[tuple[str, str]]:
        """Names and ClickHouse types of the columns."""

    @property
    def batches(self) -> int:
        """How many pieces the rows come in."""

    def rows(self, batch: int | None = None) -> list[dict[str, Any]]:
        """The rows of one piece, of all without a number."""

    def column(self, index: int) -> list[Any]:
        """The values of one column."""

    def batch(self, index: int) -> QueryBatch | None:
        """One piece of it."""

    def __len__(self) -> int: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The Arrow PyCapsule interface. The result's own schema is given whatever is asked for, as the interface allows."""

@final
class QueryBatch:
    """A record batch."""

    def rows(self) -> list[dict[str, Any]]:
        """Its rows."""

    def column(self, index: int) -> list[Any]:
        """The values of one column."""

    def head(self, rows: int) -> QueryBatch:
        """Its first rows."""

    def __len__(self) -> int: ...
    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]:
        """The Arrow PyCapsule interface. The batch's own schema is given whatever is asked for, as the interface allows."""

@final
class QueryBatches:
    """A result that is read as record batches."""

    @property
    def query_id(self) -> str:
        """The name of the query."""

    @property
    def columns(self) -> list[tuple[str, str]]:
        """Names and ClickHouse types of the columns."""

    def next(self) -> QueryBatch | None:
        """The next batch; `None` at the end of a whole result."""

    def next_async(self) -> Awaitable[QueryBatch | None]:
        """`next`, to be awaited."""

    def close(self) -> None:
        """Ends the query."""

    def close_async(self) -> Awaitable[None]:
        """`close`, to be awaited."""

    def __arrow_c_schema__(self) -> object:
        """The schema of every batch."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The Arrow PyCapsule interface: the batches that were not read yet, once. The result's own schema is given whatever
        is asked for, as the interface allows."""

@final
class QueryBytes:
    """A result that is read as bytes."""

    @property
    def query_id(self) -> str:
        """The name of the query."""

    def next(self) -> bytes | None:
        """The next bytes; `None` at the end of a whole result."""

    def next_async(self) -> Awaitable[bytes | None]:
        """`next`, to be awaited."""

    def close(self) -> None:
        """Ends the query."""

    def close_async(self) -> Awaitable[None]:
        """`close`, to be awaited."""
