"""What the README shows is what happens."""

from __future__ import annotations

import inspect
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import helios

Run = Callable[..., "subprocess.CompletedProcess[str]"]
ROOT = Path(__file__).parents[2]


def test_the_examples_of_the_readme(run: Run) -> None:
    readme = (ROOT / "helios-py" / "README.md").read_text()
    # The others need an account.
    shown = [
        (code, output)
        for code, output in re.findall(r"```python\n([^`]*?)```\s+```\n([^`]*?)```", readme)
        if 'connect("./data")' in code
    ]
    assert len(shown) == 2
    for code, output in shown:
        assert run(code if code.startswith("import") else f"import helios\n{code}").stdout == output


def test_the_quickstart_of_the_examples(run: Run) -> None:
    example = ROOT / "examples" / "python" / "quickstart.py"
    process = run(
        f"import runpy, sys; sys.argv = ['quickstart.py']; runpy.run_path({str(example)!r}, run_name='__main__')"
    )
    assert process.stdout.startswith("{'page': '/cart', 'users': 7, ")


def test_every_method_is_in_the_table() -> None:
    readme = (ROOT / "helios-py" / "README.md").read_text()
    methods = {name for name, _ in inspect.getmembers(helios.Helios, inspect.isfunction) if not name.startswith("_")}
    assert {name for name in methods if f"`{name}(" not in readme} == set()
