"""The AWS emulator as a child process."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

SETUP = Path(__file__).parents[2] / "setup" / "emulator.sh"
HOST = "127.0.0.1"
START_TIMEOUT = 60.0
POLL = 0.02
# Between choosing a free port and using it, another process may take it.
ATTEMPTS = 5

# Runs the emulator until its standard input ends: when the fixture says so, and also when this process dies in any way, as
# only the pipe's other end tells.
PROGRAM = """
import os, sys, threading

def follow_parent():
    # Not sys.stdin, whose lock an interpreter that ends by itself would wait for.
    while os.read(0, 1):
        pass
    os._exit(0)

threading.Thread(target=follow_parent, daemon=True).start()
from ministack.app import main
sys.argv = ["ministack"]
main()
"""


class EmulatorError(Exception):
    """The emulator does not start: with its last words."""


class Emulator:
    """A running AWS emulator: Kinesis, DynamoDB, Lambda, IAM and STS, on a port of its own.

    It checks signatures and permissions. Twelve digits as access key are the root of the account of this number, whatever
    the secret; tests keep apart by their accounts.
    """

    def __init__(self, folder: Path) -> None:
        python = installed()
        for attempt in range(ATTEMPTS):
            try:
                self._start(python, free_port(), folder / f"log-{attempt}")
                return
            except EmulatorError as error:
                if "in use" not in str(error) or attempt == ATTEMPTS - 1:
                    raise

    def _start(self, python: str, port: int, log: Path) -> None:
        self.endpoint = f"http://{HOST}:{port}"
        # Functions inherit this environment, so nothing of ours may be in it. Without the endpoint they would call AWS.
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(log.parent),
            "TMPDIR": str(log.parent),
            "LANG": "C.UTF-8",
            "BIND_HOST": HOST,
            "GATEWAY_PORT": str(port),
            "AWS_ENDPOINT_URL": self.endpoint,
            "LAMBDA_EXECUTOR": "local",
            "AUTH": "true",
        }
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [python, "-c", PROGRAM],
                cwd=log.parent,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            self._ready(log)
        except EmulatorError:
            self.stop()
            raise

    def _ready(self, log: Path) -> None:
        limit = time.monotonic() + START_TIMEOUT
        # Its own log first: on this port another process could answer.
        while "Running on " not in log.read_text() or not answers(f"{self.endpoint}/_ministack/health"):
            if self._process.poll() is not None:
                raise EmulatorError(f"the AWS emulator ended with {self._process.returncode}: {tail(log)}")
            if time.monotonic() > limit:
                raise EmulatorError(f"the AWS emulator is not ready after {START_TIMEOUT} s: {tail(log)}")
            time.sleep(POLL)

    def stop(self) -> None:
        """End its standard input, and it ends by itself."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def installed() -> str:
    """The emulator's Python."""
    return os.environ.get("HELIOS_EMULATOR_PYTHON") or subprocess.check_output([SETUP], text=True).strip()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url):
            return True
    except (urllib.error.URLError, ConnectionError):
        return False


def tail(log: Path) -> str:
    return "\n".join(log.read_text().splitlines()[-15:])
