"""What `import helios` takes, and gives."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

import helios

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def test_every_public_name_is_there() -> None:
    assert set(helios._MODULE_OF) | {"__version__"} == set(helios.__all__)
    for name in helios.__all__:
        assert getattr(helios, name) is not None
    assert set(dir(helios)) == set(helios.__all__)


def test_another_name_is_not() -> None:
    with pytest.raises(AttributeError, match="module 'helios' has no attribute 'Client'"):
        helios.Client  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import helios", {"dataclasses", "inspect", "json"}),
        (
            "import helios; helios.connect",
            {"IPython", "asyncio", "chdb", "numpy", "pandas", "polars", "pyarrow", "tqdm"},
        ),
    ],
    ids=["the package", "the client"],
)
def test_nothing_is_imported_before_it_is_needed(run: Run, code: str, absent: set[str]) -> None:
    assert run(f"{code}; import sys; print({absent!r} & set(sys.modules))").stdout == "set()\n"
