"""What a client is opened with."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ._checks import text, wrong_type

PATHS = frozenset({"data_path", "chdb_lib"})


def settings(
    path: str | os.PathLike[str] | None,
    url: str | None,
    options: Mapping[str, str | os.PathLike[str] | None],
) -> dict[str, str]:
    """The settings that were given, by their keys."""
    given: dict[str, object] = dict(options)
    for argument, key, value in (("path", "data_path", path), ("url", "clickhouse_url", url)):
        if value is None:
            continue
        if given.get(key) is not None:
            raise TypeError(f"{argument} and {key} are the same setting; give one of them")
        given[key] = value
    return {text("the name of a setting", key): _text(key, value) for key, value in given.items() if value is not None}


def _text(key: str, value: object) -> str:
    if key not in PATHS:
        return text(key, value)
    if not isinstance(value, (str, os.PathLike)):
        raise wrong_type(key, "a str or a path", value)
    return text(key, os.fspath(value))
