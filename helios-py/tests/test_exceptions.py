"""Each kind of error is one class, and says what a program needs."""

from __future__ import annotations

import copy
import inspect
import pickle
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import helios
from helios import _helios, exceptions

BUILT_IN: dict[str, tuple[type[helios.HeliosError], type[Exception]]] = {
    "config_invalid": (helios.ConfigError, ValueError),
    "invalid_input": (helios.InvalidInputError, ValueError),
    "invalid_query": (helios.InvalidQueryError, ValueError),
    "unauthenticated": (helios.UnauthenticatedError, helios.HeliosError),
    "permission_denied": (helios.PermissionDeniedError, PermissionError),
    "not_found": (helios.NotFoundError, LookupError),
    "already_exists": (helios.AlreadyExistsError, helios.HeliosError),
    "conflict": (helios.ConflictError, helios.HeliosError),
    "limit_exceeded": (helios.LimitExceededError, helios.HeliosError),
    "timeout": (helios.HeliosTimeoutError, TimeoutError),
    "unavailable": (helios.UnavailableError, ConnectionError),
    "engine_unavailable": (helios.EngineUnavailableError, helios.HeliosError),
    "cancelled": (helios.QueryCancelledError, helios.HeliosError),
    "unexpected": (helios.UnexpectedError, RuntimeError),
}


def classes() -> list[type[helios.HeliosError]]:
    found = [value for _, value in inspect.getmembers(exceptions, inspect.isclass)]
    return [value for value in found if issubclass(value, helios.HeliosError) and value is not helios.HeliosError]


def test_every_kind_has_exactly_one_class() -> None:
    kinds = _helios.error_kinds()
    assert sorted(kinds) == sorted(BUILT_IN)
    assert sorted(error.kind for error in classes()) == sorted(kinds)
    for kind, (error, _) in BUILT_IN.items():
        assert error.kind == kind
        assert type(raised(kind)) is error


def test_a_class_is_also_what_python_calls_it() -> None:
    for error, built_in in BUILT_IN.values():
        assert issubclass(error, built_in)
        assert issubclass(error, helios.HeliosError)


def test_a_class_is_found_where_it_says_it_is() -> None:
    errors: list[type[helios.HeliosError]] = [helios.HeliosError, *classes()]
    for error in errors:
        assert error.__module__ == "helios.exceptions"
        assert getattr(exceptions, error.__name__) is error
        assert getattr(helios, error.__name__) is error
        assert error.__name__ in exceptions.__all__
        assert error.__name__ in helios.__all__


def raised(kind: str) -> helios.HeliosError:
    return exceptions.of_kind(
        kind,
        "the stream does not exist {stream: clicks}",
        operation="kinesis_sample",
        context={"stream": "clicks"},
        retryable=True,
        server_code=None,
        server_error_name=None,
        position=(7, 1, 8),
        aws_code="ResourceNotFoundException",
    )


@pytest.mark.parametrize("again", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy])
@pytest.mark.parametrize("kind", BUILT_IN)
def test_an_exception_can_be_sent_elsewhere(
    kind: str, again: Callable[[helios.HeliosError], helios.HeliosError]
) -> None:
    error = raised(kind)
    other = again(error)
    assert type(other) is type(error)
    assert str(other) == str(error) == "the stream does not exist {stream: clicks}"
    assert vars(other) == vars(error)
    assert other.kind == kind
    assert other.code == "ResourceNotFoundException"
    assert other.position == helios.SqlPosition(offset=7, line=1, column=8)


def test_an_error_of_clickhouse(client: helios.Helios) -> None:
    with pytest.raises(helios.NotFoundError) as caught:
        client.query("SELECT * FROM no_such_table")
    error = caught.value
    assert (error.kind, error.operation, error.code, error.server_code) == ("not_found", "query", 60, 60)
    assert error.server_error_name == "UNKNOWN_TABLE"
    assert error.aws_code is None
    assert error.position is None
    assert not error.retryable
    assert "no_such_table" in str(error)
    with pytest.raises(LookupError):
        client.query("SELECT * FROM no_such_table")


def test_the_place_of_an_error(client: helios.Helios) -> None:
    # Two bytes stand in the first line's `é`.
    sql = "SELECT 'é',\n  1 1"
    for call in (client.query, client.query_json, client.query_bytes, client.query_arrow):
        with pytest.raises(helios.InvalidQueryError) as caught:
            call(sql)
        position = caught.value.position
        assert position is not None
        assert (position.line, position.column) == (2, 5)
        assert sql.encode()[position.offset :] == b"1"
        assert caught.value.server_error_name == "SYNTAX_ERROR"


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("", helios.InvalidQueryError),
        ("  \n", helios.InvalidQueryError),
        ("SELEC 1", helios.InvalidQueryError),
        ("SELECT 1; SELECT 2", helios.InvalidQueryError),
        ("SELECT no_such_column", helios.InvalidQueryError),
        ("SELECT * FROM no_such_database.t", helios.NotFoundError),
        ("SELECT 1 FORMAT JSON", helios.InvalidQueryError),
        ("SELECT '\0'; \0", helios.InvalidQueryError),
    ],
)
def test_what_is_no_query(client: helios.Helios, sql: str, error: type[helios.HeliosError]) -> None:
    with pytest.raises(error):
        client.query(sql)
    assert client.query("SELECT 1 AS one").rows() == [{"one": 1}]


def test_an_error_after_the_first_rows_is_no_result(client: helios.Helios) -> None:
    with pytest.raises(helios.HeliosError, match="late") as caught:
        client.query("SELECT throwIf(number = 3000000, 'late') FROM numbers(4000000)")
    assert caught.value.server_code == 395


def test_limits(client: helios.Helios) -> None:
    with pytest.raises(helios.LimitExceededError):
        client.query("SELECT number FROM numbers(11)", max_result_rows=10)
    with pytest.raises(helios.LimitExceededError):
        client.query("SELECT number FROM numbers(1000000)", max_result_bytes=1000)
    with pytest.raises(helios.LimitExceededError):
        client.query("SELECT groupArray(number) FROM numbers(10000000)", max_memory_usage=10_000_000)
    with pytest.raises(TimeoutError):
        client.query(
            "SELECT sum(sleepEachRow(0.1)) FROM numbers(1000) SETTINGS max_block_size = 1", max_execution_time=0.2
        )
    with pytest.raises(helios.HeliosError, match="CREATE is not allowed in read-only mode"):
        client.query("CREATE TABLE t (a Int8) ORDER BY a", read_only=True)


def test_a_server_that_is_not_there() -> None:
    with helios.connect(url="http://127.0.0.1:9") as client, pytest.raises(ConnectionError) as caught:
        client.query("SELECT 1")
    assert isinstance(caught.value, helios.UnavailableError)
    assert caught.value.retryable


def test_a_traceback_shows_the_text_once(run: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    process = run("import helios; helios.connect('data').query('SELECT * FROM absent')", check=False)
    assert process.returncode == 1
    last = process.stderr.strip().splitlines()[-1]
    assert last.startswith("helios.exceptions.NotFoundError: ")
    assert process.stderr.count("Unknown table") <= 1


def test_the_readme_lists_every_class() -> None:
    readme = Path(__file__).parents[1].joinpath("README.md").read_text()
    for kind, (error, built_in) in BUILT_IN.items():
        also = "" if built_in is helios.HeliosError else f"`{built_in.__name__}` "
        assert f"| `{error.__name__}` | `{kind}` | {also}|" in readme
