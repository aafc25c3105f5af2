"""One embedded engine, and one AWS emulator, for all tests of a run; what needs another process starts one."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
from account import Account
from emulator import Emulator

import helios

Run = Callable[..., "subprocess.CompletedProcess[str]"]

# What the shell says of a Helios of its own must not reach the tests; which engine and emulator to run it may say.
for name in list(os.environ):
    if name.startswith(("HELIOS_", "AWS_")) and name not in ("HELIOS_CHDB_LIB", "HELIOS_EMULATOR_PYTHON"):
        del os.environ[name]
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull

# The same examples at every run; others, and many more: `pytest --hypothesis-profile=search`.
hypothesis.settings.register_profile(
    "helios", derandomize=True, database=None, deadline=None, print_blob=True, max_examples=10
)
hypothesis.settings.register_profile(
    "search", hypothesis.settings.get_profile("helios"), derandomize=False, max_examples=1000
)
hypothesis.settings.load_profile("helios")


@pytest.fixture(scope="session")
def aws() -> dict[str, str]:
    """The settings of an AWS that is not there: nothing here gets as far as to call it."""
    return {
        "aws_region": "eu-west-1",
        "aws_endpoint_url": "http://127.0.0.1:9",
        "aws_access_key_id": "AKIAEXAMPLE",
        "aws_secret_access_key": "secret",
    }


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the engine that all tests share."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def client(data: Path, aws: dict[str, str]) -> Iterator[helios.Helios]:
    with helios.connect(data, **aws) as client:
        yield client


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """The AWS of all tests that ask for one."""
    emulator = Emulator(tmp_path_factory.mktemp("emulator"))
    yield emulator
    emulator.stop()


@pytest.fixture
def account(emulator: Emulator) -> Iterator[Account]:
    """An AWS account of the test's own."""
    account = Account(emulator.endpoint)
    yield account
    account.close()


@pytest.fixture
def table(client: helios.Helios) -> Iterator[str]:
    """The name of a table that is not there yet, and is dropped."""
    name = f"t_{uuid.uuid4().hex}"
    yield name
    client.query(f"DROP TABLE IF EXISTS {name}")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs Python code in a process of its own, in a folder of its own, and expects it to end well."""

    def run(
        code: str, *, check: bool = True, timeout: float = 20, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        process = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if check:
            assert process.returncode == 0, process.stdout + process.stderr
        return process

    return run
