"""No secret in what people read."""

from __future__ import annotations

import subprocess
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

import helios

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def test_representations(data: Path) -> None:
    with helios.connect(
        url="http://ann:canary@127.0.0.1:9", aws_access_key_id="AKIAEXAMPLEEXAMPLE12", aws_secret_access_key="canary"
    ) as client:
        assert "canary" not in repr(client) + repr(client._native) + client._native.place
        other = client.with_credentials("AKIAEXAMPLEEXAMPLE12", "canary", session_token="canary")
        assert "canary" not in repr(other)
        with pytest.raises(helios.UnavailableError) as caught:
            client.query("SELECT 1")
        assert "canary" not in everything(caught.value)


def everything(error: BaseException) -> str:
    """What a traceback shows of an error, its causes included."""
    lines = traceback.format_exception(type(error), error, error.__traceback__)
    # The lines of this file are the tests' own, with the secret in them.
    shown = [line for line in lines if "test_secrets.py" not in line]
    return "".join(shown) + repr(error) + repr(vars(error)) + repr(error.args)


@pytest.mark.parametrize(
    "secrets",
    [
        {"secret_key": "canary\n"},
        {"secret_key": "canary", "session_token": "canary canary"},
        {"secret_key": "canary", "external_id": "canary"},
        {"secret_key": "canary", "session_token": ""},
    ],
    ids=str,
)
def test_credentials_that_are_none(client: helios.Helios, secrets: dict[str, str]) -> None:
    with pytest.raises(helios.InvalidInputError) as caught:
        client.authenticate("AKIA", **secrets)
    assert "canary" not in everything(caught.value)
    with pytest.raises(helios.InvalidInputError) as caught:
        client.with_credentials("AKIA", **secrets)
    assert "canary" not in everything(caught.value)


def test_settings_that_are_none() -> None:
    for settings in (
        {"url": "http://ann:canary@/"},
        {"url": "canary"},
        {"aws_secret_access_key": "canary"},
        {"aws_session_token": "canary"},
        {"aws_external_id": "canary"},
    ):
        with pytest.raises(helios.ConfigError) as caught:
            helios.connect(**settings)
        assert "canary" not in everything(caught.value)


def test_a_traceback_of_a_program(run: Run) -> None:
    code = "import helios, os; helios.connect('d').authenticate('AKIA', os.environ['SECRET'], region='no region')"
    process = run(code, check=False, SECRET="canary-secret")
    assert "InvalidInputError" in process.stderr
    assert "canary" not in process.stderr + process.stdout
