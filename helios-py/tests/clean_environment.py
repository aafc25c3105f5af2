"""What a newcomer to the Python package does: a new virtual environment, the wheel and nothing else, then its extra `embedded`,
and the first lines of each README. Usage: python3 clean_environment.py WHEEL
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENGINES = dict(re.findall(r"^(\w+)=(.*)$", (ROOT / "setup" / "engines.env").read_text(), re.MULTILINE))
QUICKSTART = re.compile(r"```python\n(?P<code>import helios\n.*?)```\s+```\n(?P<output>.*?)```", re.DOTALL)

NO_ENGINE = """
import helios
try:
    helios.connect()
except helios.EngineUnavailableError as error:
    assert "pip install 'helios-py[embedded]'" in str(error), error
else:
    raise SystemExit("an engine is here")
"""

# What needs a package that is not here names the extra that brings it.
NO_EXTRAS = """
import helios
client = helios.connect("data")
result = client.query("SELECT 1 AS one")
assert result.rows() == [{"one": 1}]

def needs(extra, call):
    try:
        call()
    except ImportError as error:
        assert f"pip install 'helios-py[{extra}]'" in str(error), error
    else:
        raise SystemExit(f"helios-py[{extra}] is not needed")

needs("pandas", result.to_arrow)
needs("pandas", result.to_pandas)
needs("polars", result.to_polars)
needs("notebook", lambda: client.query("SELECT 1", progress_bar=True))
# As `%load_ext helios` calls it.
needs("notebook", lambda: helios.load_ipython_extension(None))
"""


class Environment:
    """A new virtual environment, with pip and nothing else."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=True)
        self.python = folder / "bin" / "python"

    def install(self, *what: str) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
            constraints.write(f"chdb=={ENGINES['CHDB_VERSION']}\nchdb-core=={ENGINES['CHDB_CORE_VERSION']}\n")
            constraints.flush()
            pip: list[str | Path] = [self.python, "-m", "pip", "install", "--quiet"]
            subprocess.run([*pip, f"--constraint={constraints.name}", *what], check=True)

    def packages(self) -> set[str]:
        listed = subprocess.check_output([self.python, "-m", "pip", "list", "--format=json"], text=True)
        return {package["name"] for package in json.loads(listed)}

    def run(self, code: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run code where nothing of this machine's set-up is: no libchdb, no settings."""
        with tempfile.TemporaryDirectory() as home:
            return subprocess.run(
                [self.python, "-c", code],
                check=False,
                cwd=home,
                env={"HOME": home, "PATH": "/usr/bin:/bin", **variables},
                capture_output=True,
                text=True,
                timeout=300,
            )


def main(wheel: str) -> None:
    path = str(Path(wheel).resolve())
    # The engine alone, without the packages that the extra `embedded` brings.
    libchdb = subprocess.check_output([ROOT / "setup" / "engine.sh"], text=True).strip()
    with tempfile.TemporaryDirectory() as folder:
        environment = Environment(Path(folder, "venv"))
        brings_nothing_else(environment, path)
        succeeds("no engine", environment.run(NO_ENGINE))
        succeeds("no extras", environment.run(NO_EXTRAS, HELIOS_CHDB_LIB=libchdb))
        environment.install(f"{path}[embedded]")
        for readme in (ROOT / "README.md", ROOT / "helios-py" / "README.md"):
            keeps_its_promise(environment, readme)
    print("5 passed, 0 failed")


def brings_nothing_else(environment: Environment, wheel: str) -> None:
    before = environment.packages()
    environment.install(wheel)
    brought = environment.packages() - before
    if brought != {"helios-py"}:
        sys.exit(f"the wheel alone brings {brought}")


def succeeds(name: str, process: subprocess.CompletedProcess[str]) -> None:
    if process.returncode:
        sys.exit(f"{name}: exit code {process.returncode}\n{process.stdout}\n{process.stderr}")


def keeps_its_promise(environment: Environment, readme: Path) -> None:
    found = QUICKSTART.search(readme.read_text())
    if found is None:
        sys.exit(f"{readme} has no quickstart")
    process = environment.run(found["code"])
    if process.returncode or process.stdout != found["output"]:
        sys.exit(
            f"{readme} promises\n{found['output']}\nand this came, with exit code {process.returncode}\n{process.stdout}\n{process.stderr}"
        )


if __name__ == "__main__":
    main(sys.argv[1])
