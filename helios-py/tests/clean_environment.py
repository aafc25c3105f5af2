"""What a newcomer to the Python package does: a new virtual environment, the wheel with its extra `embedded` and nothing else,
and the first lines of each README. Usage: python3 clean_environment.py WHEEL
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]
QUICKSTART = re.compile(r"```python\n(?P<code>import helios\n.*?)```\s+```\n(?P<output>.*?)```", re.DOTALL)


def main(wheel: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        environment = Path(folder, "venv")
        venv.create(environment, with_pip=True)
        python = environment / "bin" / "python"
        subprocess.run([python, "-m", "pip", "install", "--quiet", f"{Path(wheel).resolve()}[embedded]"], check=True)
        for readme in (ROOT / "README.md", ROOT / "helios-py" / "README.md"):
            check(python, readme)
    print("2 passed, 0 failed")


def check(python: Path, readme: Path) -> None:
    found = QUICKSTART.search(readme.read_text())
    if found is None:
        sys.exit(f"{readme} has no quickstart")
    with tempfile.TemporaryDirectory() as home:
        # Nothing of this machine's set-up: no libchdb, no settings.
        process = subprocess.run(
            [python, "-c", found["code"]],
            check=False,
            cwd=home,
            env={"HOME": home, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=300,
        )
    if process.returncode or process.stdout != found["output"]:
        sys.exit(
            f"{readme} promises\n{found['output']}\nand this came, with exit code {process.returncode}\n{process.stdout}\n{process.stderr}"
        )


if __name__ == "__main__":
    main(sys.argv[1])
