#!/usr/bin/env python3
"""Runs tests of helios-core on the engine of the Python package chdb, which brings a ClickHouse of its own.

Usage: PYTHON on_package_engine.py FILTER…, with the Python of an environment that has Helios and chdb. The package's library
cannot be loaded without an interpreter, so this one serves it on a port, and the tests use that as their ClickHouse.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import helios

TOP = Path(__file__).resolve().parents[1]
BUILD = ["cargo", "build", "--workspace", "--all-features", "--locked", "--bins", "--tests"]


def program() -> str:
    """The test program of helios-core that needs an engine, built as all the others are."""
    command = [*BUILD, "--message-format=json-render-diagnostics"]
    built = subprocess.run(command, cwd=TOP, stdout=subprocess.PIPE, text=True, check=True)
    for message in map(json.loads, built.stdout.splitlines()):
        is_test = message["reason"] == "compiler-artifact" and message["profile"]["test"]
        if is_test and message["manifest_path"] == str(TOP / "helios-core" / "Cargo.toml") and message["target"]["name"] == "it":
            return str(message["executable"])
    sys.exit("helios-core has no test program `it`")


def main(filters: list[str]) -> int:
    tests = program()
    os.environ.pop("HELIOS_CHDB_LIB", None)
    with tempfile.TemporaryDirectory() as folder, helios.connect(folder) as client, client.listen() as listener:
        engine = client.engine
        if engine is None or not (engine.origin or "").startswith("chdb "):
            sys.exit(f"this is not the package's engine: {engine}")
        print(f"{engine.version}: {engine.origin}", flush=True)
        environment = {**os.environ, "HELIOS_TEST_CLICKHOUSE_URL": listener.url}
        ended = subprocess.run([tests, *filters], cwd=TOP / "helios-core", env=environment, check=False)
        return ended.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
