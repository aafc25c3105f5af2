"""The quickstart of the examples runs from top to bottom, twice, and shows what it says."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest
from account import Account

NOTEBOOK = Path(__file__).parents[2] / "examples" / "python" / "quickstart.ipynb"


def read() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)


def run(account: Account, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The cells of the notebook, run by a kernel of its own on the embedded engine and the emulator."""
    for name, value in account.settings.items():
        monkeypatch.setenv(f"HELIOS_{name.upper()}", value)
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    monkeypatch.setenv("IPYTHONDIR", str(folder / "ipython"))
    monkeypatch.setenv("MPLCONFIGDIR", str(folder / "matplotlib"))
    # The package that is under test here is the kernel's, too.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    notebook = read()
    client = nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}})
    asyncio.run(client.async_execute())
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown(cells: list[Any], source: str) -> str:
    """What the only cell with this text in it shows, as HTML if it can."""
    (cell,) = [cell for cell in cells if source in cell.source]
    texts = []
    for output in cell.outputs:
        assert output.output_type != "error", output
        data = output.get("data", {})
        texts.append(str(data.get("text/html") or data.get("text/plain") or output.get("text", "")))
    return "\n".join(texts)


def test_it_runs_from_top_to_bottom_and_once_more(
    account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.create_stream("clicks", shards=2)
    for turn in (1, 2):
        cells = run(account, tmp_path, monkeypatch)
        assert "280" in shown(cells, "squares.square.sum()")
        assert "clicks" in shown(cells, "client.streams()")
        assert "2000" in shown(cells, "client.put_events")
        assert "Decimal(9, 2)" in shown(cells, "schema.retype")
        assert "<table" in shown(cells, "schema.check()")
        assert "CREATE TABLE" in shown(cells, "client.plan(")
        assert "caughtUp" in shown(cells, "client.consume(")
        assert str(2_000 * turn) in shown(cells, "client.consume(")
        assert str(40 * turn) in shown(cells, 'client.quarantine("clicks")')
        assert "drop" in shown(cells, "client.remove(")
        plots = [output for cell in cells for output in cell.outputs if "image/png" in output.get("data", {})]
        assert len(plots) == 1


def test_it_is_kept_without_what_it_shows() -> None:
    cells = [cell for cell in read().cells if cell.cell_type == "code"]
    assert cells
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)
