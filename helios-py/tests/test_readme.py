"""What the README shows is what happens."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., "subprocess.CompletedProcess[str]"]
ROOT = Path(__file__).parents[2]


def test_the_quickstart_of_the_readme(run: Run) -> None:
    readme = (ROOT / "helios-py" / "README.md").read_text()
    found = re.search(r"```python\n(.*?)```\s+```\n(.*?)```", readme, re.DOTALL)
    assert found
    code, output = found.groups()
    assert run(code).stdout == output


def test_the_quickstart_of_the_examples(run: Run) -> None:
    example = ROOT / "examples" / "python" / "quickstart.py"
    process = run(
        f"import runpy, sys; sys.argv = ['quickstart.py']; runpy.run_path({str(example)!r}, run_name='__main__')"
    )
    assert process.stdout.startswith("{'page': '/cart', 'users': 7, ")
