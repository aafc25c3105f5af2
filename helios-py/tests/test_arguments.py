"""Arguments of a wrong type are a TypeError that names them, with and without asyncio; no method takes them as they are."""

from __future__ import annotations

import asyncio
import datetime as dt
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import helios

Call = Callable[..., Any]


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest, client: helios.Helios, data: Path, aws: dict[str, str]) -> Call:
    """Calls a method of a client by its name."""
    if request.param == "sync":
        return lambda method, *args, **kwargs: getattr(client, method)(*args, **kwargs)

    async def call(method: str, *args: Any, **kwargs: Any) -> Any:
        async with await helios.connect_async(data, **aws) as other:
            return await getattr(other, method)(*args, **kwargs)

    return lambda *args, **kwargs: asyncio.run(call(*args, **kwargs))


COLUMNS = [("a", "UInt8")]

NOT_TEXTS = [None, 1, b"x", ["x"], object()]
NOT_OPTIONAL_TEXTS = [1, True, b"x", ["x"], object()]
NOT_FLAGS = [None, 1, 0, "true", object()]
NOT_COUNTS = ["1", 1.0, True, b"1", object()]
NOT_SECONDS = ["1", True, dt.timedelta(seconds=1), object()]
NOT_POSITIONS = [1, 1.0, b"now", dt.date(2026, 1, 1), object()]

OF_QUERIES = ("query", "query_json", "query_bytes", "query_arrow")
OF_ARROW = ("query", "query_bytes", "query_arrow")
OF_TEXT = ("query_json", "query_bytes")
OF_REJECTS = ("quarantine", "quarantine_show", "quarantine_replay", "quarantine_discard")

WRONG: list[tuple[str, str, tuple[Any, ...], str, list[Any]]] = [
    # method, argument, what comes before it, what it is in the message, wrong values
    ("query", "sql", (), "sql", NOT_TEXTS),
    ("query", "parameters", ("SELECT 1",), "parameters", ["x", ["x"], 1, [("a", 1)]]),
    ("query", "database", ("SELECT 1",), "database", NOT_OPTIONAL_TEXTS),
    ("query", "read_only", ("SELECT 1",), "read_only", NOT_FLAGS),
    ("query", "max_execution_time", ("SELECT 1",), "max_execution_time", NOT_SECONDS),
    ("query", "max_result_rows", ("SELECT 1",), "max_result_rows", NOT_COUNTS),
    ("query", "max_result_bytes", ("SELECT 1",), "max_result_bytes", NOT_COUNTS),
    ("query", "max_memory_usage", ("SELECT 1",), "max_memory_usage", NOT_COUNTS),
    *((method, "sql", (), "sql", NOT_TEXTS) for method in OF_QUERIES),
    *(
        (method, name, ("SELECT 1",), name, NOT_COUNTS)
        for method in OF_QUERIES
        for name in ("max_result_rows", "limit")
    ),
    *((method, "query_id", ("SELECT 1",), "query_id", NOT_OPTIONAL_TEXTS) for method in OF_QUERIES),
    *(
        (method, "on_progress", ("SELECT 1",), "on_progress", [1, "print", asyncio.sleep, object()])
        for method in OF_QUERIES
    ),
    *((method, "progress_bar", ("SELECT 1",), "progress_bar", [0, 1, "yes", object()]) for method in OF_QUERIES),
    ("sample", "progress_bar", ("s",), "progress_bar", [0, 1, "yes", object()]),
    *((method, "wide_integers", ("SELECT 1",), "wide_integers", NOT_OPTIONAL_TEXTS) for method in OF_ARROW),
    *((method, "times", ("SELECT 1",), "times", NOT_OPTIONAL_TEXTS) for method in OF_TEXT),
    *((method, "quote_64bit_integers", ("SELECT 1",), "quote_64bit_integers", NOT_FLAGS) for method in OF_TEXT),
    ("query_bytes", "format", ("SELECT 1",), "format", NOT_TEXTS),
    ("cancel_query", "query_id", (), "query_id", NOT_TEXTS),
    ("query_progress", "query_id", (), "query_id", NOT_TEXTS),
    *(
        ("authenticate", name, (), name, NOT_OPTIONAL_TEXTS)
        for name in ("access_key", "secret_key", "session_token", "region", "role_arn", "external_id", "profile")
    ),
    ("sample", "stream", (), "stream", NOT_TEXTS),
    ("sample", "max_events", ("s",), "max_events", NOT_COUNTS),
    ("sample", "position", ("s",), "position", NOT_POSITIONS),
    ("sample", "time_limit", ("s",), "time_limit", NOT_SECONDS),
    ("sample", "until", ("s",), "until", [1, b"now", ["now"]]),
    ("sample", "on_progress", ("s",), "on_progress", [1, "print", object()]),
    ("sample", "inference", ("s",), "inference", [1, "a", ["a"], {"integers": 1}, {1: "a"}]),
    ("check_schema", "stream", (), "stream", NOT_OPTIONAL_TEXTS),
    ("check_schema", "events", ("s",), "events", [1, "a", {"a": 1}, [{1, 2}], [dt.date(2026, 1, 1)]]),
    (
        "check_schema",
        "schema",
        ("s",),
        "schema",
        [1, "a", [1], ["ab"], [("a",)], [{"name": "a", "type": "b", "no": 1}]],
    ),
    ("check_schema", "edits", ("s",), "edits", [None, 1, "a", {"drop": {"column": "a"}}]),
    *(("check_schema", name, ("s",), name, NOT_OPTIONAL_TEXTS) for name in ("table", "partition_by")),
    *(("check_schema", name, ("s",), name, NOT_TEXTS) for name in ("database", "unknown_fields", "missing_fields")),
    ("check_schema", "order_by", ("s",), "order_by", [1, "a", [1]]),
    ("schema_drift", "table", (), "table", NOT_TEXTS),
    ("schema_drift", "database", ("t",), "database", NOT_TEXTS),
    ("schema_drift", "stream", ("t",), "stream", NOT_OPTIONAL_TEXTS),
    ("schema_drift", "events", ("t",), "events", [1, "a", {"a": 1}, [{1, 2}]]),
    *(
        (method, name, ("s",), name, values)
        for method in ("check_schema", "schema_drift")
        for name, values in (("max_events", NOT_COUNTS), ("position", NOT_POSITIONS), ("time_limit", NOT_SECONDS))
    ),
    ("create_table", "stream", (), "stream", NOT_TEXTS),
    ("create_table", "table", ("s",), "table", NOT_TEXTS),
    (
        "create_table",
        "schema",
        ("s", "t"),
        "schema",
        [None, 1, "a", b"ab", [1], ["ab"], [("a",)], [{"name": "a"}], [None]],
    ),
    ("create_table", "schema", ("s", "t"), "the type in schema", [[("a", 1)], {"a": None}, [{"name": "a", "type": 1}]]),
    ("create_table", "schema", ("s", "t"), "the name in schema", [[(1, "UInt8")], {1: "UInt8"}]),
    ("create_table", "database", ("s", "t", COLUMNS), "database", NOT_TEXTS),
    ("create_table", "order_by", ("s", "t", COLUMNS), "order_by", [1, "a", [1], [None]]),
    ("create_table", "partition_by", ("s", "t", COLUMNS), "partition_by", NOT_OPTIONAL_TEXTS),
    ("create_table", "start_position", ("s", "t", COLUMNS), "start_position", [None, *NOT_POSITIONS]),
    ("create_table", "create_database", ("s", "t", COLUMNS), "create_database", NOT_FLAGS),
    ("create_table", "add_batch_column", ("s", "t", COLUMNS), "add_batch_column", NOT_FLAGS),
    *(
        ("create_table", name, ("s", "t", COLUMNS), name, NOT_TEXTS)
        for name in ("delivery", "existing_table", "unknown_fields", "missing_fields")
    ),
    *(
        ("create_table", name, ("s", "t", COLUMNS), name, NOT_OPTIONAL_TEXTS)
        for name in ("ttl", "engine", "on_cluster", "on_failure")
    ),
    ("create_table", "provenance", ("s", "t", COLUMNS), "provenance", NOT_FLAGS),
    *(
        ("create_table", name, ("s", "t", COLUMNS), name, ["1", 1.5, True])
        for name in ("batch_size", "batching_window_seconds")
    ),
    ("plan", "stream", (), "stream", NOT_TEXTS),
    ("plan", "ttl", ("s", "t", COLUMNS), "ttl", NOT_OPTIONAL_TEXTS),
    *((method, "source", (), "source", NOT_TEXTS) for method in ("pause", "resume", "remove")),
    ("remove", "table", ("s",), "table", NOT_TEXTS),
    ("put_events", "events", ("s",), "events", [1, "ab", b"ab", {"a": 1}, [1], [None], [[1]]]),
    ("put_events", "partition_key", ("s", ()), "partition_key", NOT_OPTIONAL_TEXTS),
    ("put_events", "on_progress", ("s", ()), "on_progress", [1, "print", object()]),
    ("consume", "stream", (), "stream", NOT_TEXTS),
    ("consume", "until_caught_up", ("s",), "until_caught_up", NOT_FLAGS),
    ("consume", "time_limit", ("s",), "time_limit", NOT_SECONDS),
    ("consume", "position", ("s",), "position", NOT_POSITIONS),
    ("consume", "on_progress", ("s",), "on_progress", [1, "print", object()]),
    ("delivery_report", "table", (), "table", NOT_TEXTS),
    ("delivery_report", "database", ("t",), "database", NOT_TEXTS),
    ("delivery_report", "stream", ("t",), "stream", NOT_OPTIONAL_TEXTS),
    ("delivery_report", "count_rows", ("t",), "count_rows", NOT_FLAGS),
    ("settle_range", "outcome", ("t", "s"), "outcome", NOT_TEXTS),
    ("settle_range", "database", ("t", "s", "absent"), "database", NOT_TEXTS),
    ("settle_range", "stream", ("t", "s", "absent"), "stream", NOT_OPTIONAL_TEXTS),
    *((method, "table", (), "table", NOT_TEXTS) for method in OF_REJECTS),
    *((method, "database", ("t",), "database", NOT_TEXTS) for method in OF_REJECTS),
    *(
        (method, name, ("t",), name, NOT_OPTIONAL_TEXTS)
        for method in OF_REJECTS
        for name in ("error_type", "path", "sequence_number")
    ),
    *((method, name, ("t",), name, NOT_POSITIONS) for method in OF_REJECTS for name in ("since", "until")),
    *(("quarantine_show", name, ("t",), name, NOT_COUNTS) for name in ("limit", "offset")),
    ("quarantine_replay", "dry_run", ("t",), "dry_run", NOT_FLAGS),
    ("quarantine_retention", "days", ("t",), "days", NOT_COUNTS),
    ("quarantine_retention", "database", ("t", 7), "database", NOT_TEXTS),
]


@pytest.mark.parametrize(
    ("method", "argument", "before", "name", "values"), WRONG, ids=[f"{case[0]}-{case[3]}" for case in WRONG]
)
def test_a_wrong_type_is_named(
    call: Call, method: str, argument: str, before: tuple[Any, ...], name: str, values: list[Any]
) -> None:
    # What has no default is needed to get as far as the argument in question.
    needed = {"table": "t", "schema": COLUMNS} if method in ("create_table", "plan") else {}
    after = {name: value for at, (name, value) in enumerate(needed.items()) if at + 1 >= len(before)}
    for value in values:
        with pytest.raises(TypeError, match=rf"^{name}.* must be ") as caught:
            call(method, *before, **{**after, argument: value})
        assert not isinstance(caught.value, helios.HeliosError)


TOO_DEEP: Any = []
for _ in range(100_000):
    TOO_DEEP = [TOO_DEEP]

# What is of the right type, and more than Python writes.
UNWRITABLE: list[tuple[str, tuple[Any, ...], str, Any]] = [
    # method, what comes before the argument, the argument, its value
    *(
        (method, before, argument, "\ud800")
        for method, argument, before, name, values in WRONG
        if argument == name and any(values is texts for texts in (NOT_TEXTS, NOT_OPTIONAL_TEXTS, NOT_POSITIONS))
    ),
    *(
        (method, before, argument, 10**5_000)
        for method, argument, before, _, values in WRONG
        if values is NOT_COUNTS or values is NOT_SECONDS
    ),
    *(
        (method, ("SELECT 1",), "parameters", parameters)
        for method in OF_QUERIES
        for parameters in ({"\ud800": 1}, {"a": ["\ud800"]}, {"a": -(10**5_000)}, {"a": TOO_DEEP})
    ),
    *(
        (method, before, argument, value)
        for method, before, argument in (
            ("check_schema", (), "events"),
            ("schema_drift", ("t",), "events"),
            ("check_schema", ("s",), "edits"),
        )
        for value in ([{"a": 10**5_000}], [{"a": TOO_DEEP}], [{"a": math.nan}])
    ),
    *(
        (method, ("s", "t"), "schema", schema)
        for method in ("create_table", "plan")
        for schema in (
            {"\ud800": "UInt8"},
            {"a": "\ud800"},
            [helios.Column("a", "String", default="\ud800")],
            [helios.Column("a", "UInt8", default=10**5_000)],
            [helios.Column("a", "UInt8", default=TOO_DEEP)],
            [helios.Column("a", "UInt8", field="\ud800")],
        )
    ),
    *((method, ("s", "t", COLUMNS), "order_by", ["\ud800"]) for method in ("create_table", "plan")),
    ("sample", ("s",), "inference", {"integers": "\ud800"}),
    ("sample", ("s",), "inference", {"\ud800": "narrow"}),
    ("plan", ("s", "t", COLUMNS), "sample", {"position": "\ud800"}),
    ("listen", (), "port", 65_536),
    ("listen", (), "port", -1),
    ("listen", (), "user", "\ud800"),
    ("listen", (), "password", "\ud800"),
]


@pytest.mark.parametrize(
    ("method", "before", "argument", "value"), UNWRITABLE, ids=[f"{case[0]}-{case[2]}" for case in UNWRITABLE]
)
def test_what_python_does_not_write_is_refused(
    call: Call, method: str, before: tuple[Any, ...], argument: str, value: Any
) -> None:
    needed = {"table": "t", "schema": COLUMNS} if method in ("create_table", "plan") else {}
    after = {name: value for at, (name, value) in enumerate(needed.items()) if at + 1 >= len(before)}
    with pytest.raises(helios.InvalidInputError) as caught:
        call(method, *before, **{**after, argument: value})
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("setting", ["path", "chdb_lib", "clickhouse_user", "no\ud800"])
def test_a_setting_that_python_does_not_write_is_refused(setting: str) -> None:
    with pytest.raises(helios.InvalidInputError, match="lone surrogate"):
        helios.connect(**{setting: "\ud800"})
    with pytest.raises(helios.InvalidInputError, match="lone surrogate"):
        asyncio.run(helios.connect_async(**{setting: "\ud800"}))


def test_what_does_not_exist_is_no_argument(call: Call) -> None:
    for method, before in [
        ("databases", ()),
        ("sources", ()),
        ("close", ()),
        ("query", ("SELECT 1",)),
        ("authenticate", ()),
        ("sample", ("s",)),
        ("check_schema", ("s",)),
        ("schema_drift", ("t",)),
        ("create_table", ("s", "t", COLUMNS)),
        ("plan", ("s", "t", COLUMNS)),
        *((method, ("t",)) for method in ("pause", "resume", "remove")),
        ("repair", ()),
        ("doctor", ()),
        ("streams", ()),
        ("put_events", ("s", [])),
        ("consume", ("s",)),
        ("delivery_report", ("t",)),
        ("settle_range", ("t", "s", "absent")),
        *((method, ("t",)) for method in OF_REJECTS),
        ("quarantine_retention", ("t", 7)),
    ]:
        with pytest.raises(TypeError, match="unexpected keyword argument 'no_such'"):
            call(method, *before, no_such=1)


def test_an_option_of_one_method_is_none_of_another(call: Call) -> None:
    options: list[tuple[str, dict[str, Any]]] = [
        ("quarantine", {"limit": None}),
        ("quarantine", {"dry_run": False}),
        ("quarantine_show", {"dry_run": False}),
        ("quarantine_replay", {"limit": None}),
        ("quarantine_discard", {"dry_run": True}),
        ("quarantine_discard", {"offset": 0}),
    ]
    for method, option in options:
        with pytest.raises(TypeError, match="unexpected keyword argument"):
            call(method, "t", **option)


def test_a_coroutine_is_no_function_to_be_called(call: Call) -> None:
    async def on_progress(_: object) -> None: ...

    with pytest.raises(TypeError, match=r"^on_progress.* must be a function that is not async"):
        call("consume", "s", on_progress=on_progress)


OUT_OF_RANGE: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("query", ("SELECT 1",), {"max_result_rows": -1}),
    ("query", ("SELECT 1",), {"max_result_bytes": 2**64}),
    ("query", ("SELECT 1",), {"max_memory_usage": -(2**70)}),
    ("query", ("SELECT 1",), {"max_execution_time": -0.5}),
    ("query", ("SELECT 1",), {"max_execution_time": math.nan}),
    ("query", ("SELECT 1",), {"max_execution_time": math.inf}),
    ("query", ("SELECT 1",), {"max_execution_time": 10**400}),
    ("query", ("SELECT '\ud800'",), {}),
    ("query", ("SELECT 1",), {"database": "\udfff"}),
    ("sample", ("s",), {"max_events": 0}),
    ("sample", ("s",), {"max_events": 10_001}),
    ("sample", ("s",), {"time_limit": 0}),
    ("sample", ("s",), {"time_limit": 61}),
    ("sample", ("s",), {"inference": {"integers": "small"}}),
    ("sample", ("s",), {"inference": {"integer": "narrow"}}),
    ("sample", ("s",), {"position": "yesterday"}),
    ("sample", ("s",), {"until": "yesterday"}),
    ("sample", ("s",), {"position": dt.datetime(2026, 1, 1)}),
    ("check_schema", (), {}),
    ("check_schema", (), {"events": [{"a": 1}], "edits": [{"drop": {"column": "b"}}]}),
    ("check_schema", (), {"events": [{"a": 1}], "edits": [{"lose": {"column": "a"}}]}),
    ("check_schema", (), {"events": [{"a": 1}], "unknown_fields": "drop"}),
    ("check_schema", ("s",), {"max_events": 0}),
    ("schema_drift", ("t",), {"inference": {"integers": "small"}}),
    ("create_table", ("s", "t", COLUMNS), {"start_position": "yesterday"}),
    ("create_table", ("s", "", COLUMNS), {}),
    ("create_table", ("s", "t", []), {}),
    ("create_table", ("s", "t", {"a": "NoSuchType"}), {}),
    ("create_table", ("s", "t", [("a", "UInt8"), ("a", "UInt8")]), {}),
    ("create_table", ("s", "t", COLUMNS), {"order_by": ["b"]}),
    ("create_table", ("s", "t", COLUMNS), {"database": "system"}),
    ("create_table", ("s", "t", COLUMNS), {"delivery": "courier"}),
    ("create_table", ("s", "t", COLUMNS), {"unknown_fields": "drop"}),
    ("create_table", ("s", "t", COLUMNS), {"missing_fields": "guess"}),
    ("create_table", ("s", "t", COLUMNS), {"existing_table": "replace"}),
    ("create_table", ("s", "t", COLUMNS), {"ttl": "a + INTERVAL 1 DAY"}),
    ("create_table", ("s", "t", COLUMNS), {"engine": "Log"}),
    ("create_table", ("s", "t", COLUMNS), {"on_failure": "queue"}),
    ("create_table", ("s", "t", COLUMNS), {"batch_size": 10_001}),
    ("plan", ("s", "t", COLUMNS), {"order_by": ["b"]}),
    ("remove", ("t",), {"table": "burn"}),
    ("consume", ("s",), {"time_limit": 0}),
    ("consume", ("s",), {"position": "yesterday"}),
    ("settle_range", ("t", "s", "maybe"), {}),
    ("quarantine", ("t",), {"error_type": "outofrange"}),
    ("quarantine", ("t",), {"since": dt.datetime(2026, 1, 1)}),
    ("quarantine_show", ("t",), {"limit": 0}),
    ("quarantine_show", ("t",), {"limit": 1001}),
    ("quarantine_show", ("t",), {"offset": -1}),
    ("quarantine_retention", ("t", 0), {}),
    ("quarantine_retention", ("t", 36_501), {}),
    ("authenticate", ("AKIA", ""), {}),
    ("authenticate", ("AKIA",), {}),
    ("authenticate", (None, "secret"), {}),
    ("authenticate", ("AKIA\n", "secret"), {}),
    ("authenticate", ("AKIA", "secret"), {"region": "evil.example/"}),
    ("authenticate", ("AKIA", "secret"), {"role_arn": "reader"}),
    ("authenticate", ("AKIA", "secret"), {"profile": "also"}),
    ("authenticate", (), {"external_id": "e"}),
    ("authenticate", (), {"session_token": "t"}),
]


@pytest.mark.parametrize(("method", "args", "kwargs"), OUT_OF_RANGE, ids=[str(case) for case in OUT_OF_RANGE])
def test_what_is_out_of_range(call: Call, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    with pytest.raises(helios.InvalidInputError):
        call(method, *args, **kwargs)


def test_credentials_of_a_client_are_checked_by_their_form(client: helios.Helios) -> None:
    with pytest.raises(helios.InvalidInputError, match="region"):
        client.with_credentials("AKIA", "secret", region="evil.example/")
    with pytest.raises(TypeError, match="secret_key must be a str, not bytes"):
        client.with_credentials("AKIA", b"canary")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "schema",
    [
        [helios.Column("a", "UInt8"), helios.Column("b", "String")],
        (("a", "UInt8"), ["b", "String"]),
        [{"name": "a", "type": "UInt8"}, {"type": "String", "name": "b"}],
        {"a": "UInt8", "b": "String"},
        iter([("a", "UInt8"), ("b", "String")]),
    ],
    ids=["columns", "pairs", "dicts", "mapping", "iterator"],
)
def test_a_schema_in_each_way_of_writing_it(schema: Any) -> None:
    from helios.column import columns

    assert columns(schema) == [helios.Column("a", "UInt8"), helios.Column("b", "String")]
