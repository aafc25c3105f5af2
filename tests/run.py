#!/usr/bin/env python3
"""Runs the Rust tests: builds all test programs, then runs several of them side by side, documentation tests among them.

`cargo test` runs one program after the other, and most of what ours do is wait: for an emulator, for a process that was
killed, for a limit. A program's output is shown when it ends. Arguments are passed on to every program: a name, for one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
SELECTION = ["--workspace", "--all-features", "--locked"]
# How many programs run at once, and how many tests of each: some more than there are cores, as they wait for others.
PROGRAMS = 2
THREADS = os.environ.get("RUST_TEST_THREADS", "2")
# Those that take longest, first.
FIRST = ["helios-tests it", "helios-ffi c_abi", "documentation", "helios-core helios_core", "helios-core it"]


@dataclass(frozen=True)
class Program:
    """Something to run, and where."""

    name: str
    command: list[str]
    folder: Path


def build() -> list[Program]:
    """Builds the test programs, and what they run."""
    # Together, as built apart the programs would share fewer dependencies with the tests that run them.
    command = ["cargo", "build", *SELECTION, "--bins", "--tests", "--message-format=json-render-diagnostics"]
    built = subprocess.run(command, cwd=TOP, stdout=subprocess.PIPE, text=True, check=False)
    if built.returncode != 0:
        sys.exit(built.returncode)
    programs = [Program("documentation", ["cargo", "test", *SELECTION, "--quiet", "--doc", "--"], TOP)]
    for message in map(json.loads, built.stdout.splitlines()):
        if message["reason"] == "compiler-artifact" and message["profile"]["test"] and message["executable"]:
            folder = Path(message["manifest_path"]).parent
            name = f"{package(folder)} {message['target']['name']}"
            programs.append(Program(name, [message["executable"]], folder))
    return sorted(programs, key=lambda program: FIRST.index(program.name) if program.name in FIRST else len(FIRST))


def package(folder: Path) -> str:
    """The name of the package in a folder."""
    lines = (folder / "Cargo.toml").read_text().splitlines()
    return next(line.split('"')[1] for line in lines if line.startswith("name = "))


def run(program: Program, arguments: list[str]) -> tuple[int, float, str]:
    """Runs a program: its status, its seconds, what it printed."""
    start = time.monotonic()
    environment = {**os.environ, "RUST_TEST_THREADS": THREADS, "CARGO_MANIFEST_DIR": str(program.folder)}
    ended = subprocess.run(
        [*program.command, *arguments],
        cwd=program.folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return ended.returncode, time.monotonic() - start, ended.stdout.decode(errors="replace")


def main() -> int:
    programs = build()
    arguments = sys.argv[1:]
    failed = []
    with ThreadPoolExecutor(PROGRAMS) as pool:
        runs = {pool.submit(run, program, arguments): program.name for program in programs}
        for ended in as_completed(runs):
            code, seconds, output = ended.result()
            print(f"== {runs[ended]}: status {code} after {seconds:.1f} s\n{output}", flush=True)
            if code != 0:
                failed.append(runs[ended])
    print(f"{len(programs) - len(failed)} test programs passed, {len(failed)} failed{': ' if failed else ''}{', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
