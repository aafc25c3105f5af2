"""What a client can be opened with, and what not."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import helios

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def test_an_unknown_option_names_the_nearest() -> None:
    with pytest.raises(helios.ConfigError, match="no setting `aws_regoin`; did you mean `aws_region`"):
        helios.connect(aws_regoin="eu-west-1")


def test_contradictions(tmp_path: Path) -> None:
    with pytest.raises(helios.ConfigError, match="choose"):
        helios.connect(tmp_path, url="http://127.0.0.1:8123")
    with pytest.raises(helios.ConfigError, match="aws_secret_access_key"):
        helios.connect(url="http://127.0.0.1:8123", aws_access_key_id="AKIAEXAMPLE")
    with pytest.raises(TypeError, match="url and clickhouse_url"):
        helios.connect(url="http://a", clickhouse_url="http://b")
    with pytest.raises(TypeError, match="path and data_path"):
        helios.connect("a", data_path="b")
    with pytest.raises(helios.ConfigError, match="can be `lz4`, `zstd` or `none`"):
        helios.connect(url="http://127.0.0.1:8123", clickhouse_compression="gzip")


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:8123", "ftp://host", "http://host?password=canary", "http://host:canary/"]
)
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(helios.ConfigError, match="clickhouse_url") as caught:
        helios.connect(url=url)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("value", [1, True, b"x", ["x"], Path("x"), object()], ids=repr)
def test_a_setting_is_a_text(value: Any) -> None:
    for option in ("url", "aws_region", "clickhouse_password"):
        with pytest.raises(TypeError, match="must be a str"):
            helios.connect(**{option: value})


@pytest.mark.parametrize("value", [1, True, b"x", ["x"], object()], ids=repr)
def test_a_path_is_a_text_or_a_path(value: Any) -> None:
    with pytest.raises(TypeError, match="data_path must be a str or a path"):
        helios.connect(value)
    with pytest.raises(TypeError, match="chdb_lib must be a str or a path"):
        helios.connect(chdb_lib=value)


def test_a_path_of_bytes_is_refused() -> None:
    class Bytes(os.PathLike[bytes]):
        def __fspath__(self) -> bytes:
            return b"x"

    with pytest.raises(TypeError, match="data_path must be a str"):
        helios.connect(Bytes())  # type: ignore[arg-type]


def test_none_counts_as_not_given(data: Path, client: helios.Helios) -> None:
    with helios.connect(data, url=None, aws_region=None, clickhouse_user=None) as other:
        assert other.query("SELECT 1 AS one").rows() == [{"one": 1}]


def test_the_environment_and_arguments_over_it(run: Run) -> None:
    code = """
import helios, pathlib
with helios.connect() as client:
    assert repr(client) == "<helios.Helios of from-environment>", client
    assert pathlib.Path("from-environment").is_dir()
    assert client.query("SELECT currentDatabase() AS d").rows() == [{"d": "system"}]
with helios.connect(pathlib.Path("given"), clickhouse_database="default") as client:
    assert pathlib.Path("given").is_dir()
    assert client.query("SELECT currentDatabase() AS d").rows() == [{"d": "default"}]
with helios.connect(url="http://127.0.0.1:9") as client:
    assert repr(client) == "<helios.Helios of http://127.0.0.1:9/>", client
"""
    run(code, HELIOS_DATA_PATH="from-environment", HELIOS_CLICKHOUSE_DATABASE="system")


def test_a_path_replaces_the_server_of_the_environment(run: Run) -> None:
    run(
        "import helios; assert helios.connect('data').query('SELECT 1 AS one').rows() == [{'one': 1}]",
        HELIOS_CLICKHOUSE_URL="http://127.0.0.1:9",
    )


def test_the_default_path(run: Run) -> None:
    run("import helios, os; c = helios.connect(); assert os.path.isdir('helios-data'); assert 'helios-data' in repr(c)")
