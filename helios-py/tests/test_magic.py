"""SQL in the cells of a notebook, in a real IPython."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pandas
import polars
import pyarrow
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.io import capture_output

import helios


class Notebook:
    """Runs cells, as a kernel does."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.variables: dict[str, Any] = shell.user_ns

    def run(self, cell: str) -> Any:
        """What the cell shows; raises what it raises."""
        with capture_output():
            outcome = self.shell.run_cell(cell)
        outcome.raise_error()
        return outcome.result


@pytest.fixture
def notebook(client: helios.Helios, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Notebook]:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    shell: Any = InteractiveShell()  # type: ignore[no-untyped-call,unused-ignore]
    shell.history_manager.enabled = False
    notebook = Notebook(shell)
    notebook.run("%load_ext helios")
    notebook.variables["client"] = client
    yield notebook
    shell.history_manager.end_session()


def test_a_cell_of_sql_shows_its_result(notebook: Notebook) -> None:
    result = notebook.run("%%helios\nSELECT 'a' AS letter, 1 AS number")
    assert isinstance(result, helios.QueryResult)
    assert result.rows() == [{"letter": "a", "number": 1}]
    assert "<table" in result._repr_html_()


def test_a_variable_of_the_notebook_is_a_parameter_and_no_sql(notebook: Notebook) -> None:
    notebook.run('name = "x\'; DROP TABLE t; --"')
    notebook.variables["numbers"] = [1, 2]
    notebook.variables["of_numpy"] = numpy.int64(7)
    cell = "%%helios\nSELECT {name:String} AS name, { numbers : Array(UInt8)} AS numbers, {of_numpy:Int64} AS one"
    (row,) = notebook.run(cell).rows()
    assert row == {"name": "x'; DROP TABLE t; --", "numbers": [1, 2], "one": 7}
    with pytest.raises(helios.HeliosError, match="absent"):
        notebook.run("%%helios\nSELECT {absent:String}")
    # In a text it is none.
    assert notebook.run("%%helios\nSELECT '{\"a\": 1}' AS json").rows() == [{"json": '{"a": 1}'}]


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("result", helios.QueryResult),
        ("pandas", pandas.DataFrame),
        ("polars", polars.DataFrame),
        ("arrow", pyarrow.Table),
    ],
)
def test_the_result_in_a_variable_in_any_form(notebook: Notebook, form: str, kind: type) -> None:
    assert notebook.run(f"%%helios -o kept --as {form}\nSELECT number FROM numbers(3)") is None
    assert len(notebook.variables["kept"]) == 3
    assert isinstance(notebook.variables["kept"], kind)


def test_options(notebook: Notebook, client: helios.Helios) -> None:
    assert len(notebook.run("%%helios --limit 2\nSELECT number FROM numbers(10)")) == 2
    database = notebook.run("%%helios -d system\nSELECT currentDatabase() AS d").rows()
    assert database == [{"d": "system"}]


def test_which_client_runs_it(notebook: Notebook, client: helios.Helios, data: Path, tmp_path: Path) -> None:
    with helios.connect(data) as other:
        notebook.variables["other"] = other
        with pytest.raises(Exception, match=r"several clients, client, other: name one, as in `%%helios client`"):
            notebook.run("%%helios\nSELECT 1")
        assert len(notebook.run("%%helios other\nSELECT 1")) == 1
        assert notebook.run("%helios other") is other
        assert len(notebook.run("%%helios\nSELECT 1")) == 1
    # One that is closed is no choice any more.
    assert notebook.run("%helios") is client
    with pytest.raises(Exception, match="absent is no client"):
        notebook.run("%%helios absent\nSELECT 1")
    opened = notebook.run("%helios http://127.0.0.1:9")
    with pytest.raises(helios.UnavailableError):
        notebook.run("%%helios\nSELECT 1")
    opened.close()
    with pytest.raises(helios.EngineUnavailableError):
        notebook.run(f"%helios {tmp_path / 'second'}")


def test_without_a_client_one_is_opened(notebook: Notebook, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del notebook.variables["client"]
    monkeypatch.setenv("HELIOS_DATA_PATH", str(data))
    assert len(notebook.run("%%helios\nSELECT 1")) == 1
    notebook.run("%helios").close()


def test_an_error_is_the_cells(notebook: Notebook) -> None:
    with pytest.raises(helios.NotFoundError) as caught:
        notebook.run("%%helios\nSELECT * FROM absent")
    assert caught.value.server_error_name == "UNKNOWN_TABLE"
    with pytest.raises(Exception, match="no name of a variable"):
        notebook.run("%%helios -o 1x\nSELECT 1")
    assert "1x" not in notebook.variables
