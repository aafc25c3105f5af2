"""Every example in a docstring runs, and shows what it says; every method of a client has one."""

from __future__ import annotations

import asyncio
import doctest
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from account import Account

import helios

# What the examples find: a stream, and a table that it fills. One event does not fit.
EVENTS = [
    {"user_id": 7, "page": "/", "at": "2026-01-31T12:00:00Z"},
    {"user_id": 7, "page": "/cart", "at": "2026-01-31T12:00:01Z"},
    {"user_id": 300, "page": "/", "at": "2026-01-31T12:00:02Z"},
]
SCHEMA = {"user_id": "UInt8", "page": "String", "at": "DateTime('UTC')"}


def found() -> Iterator[doctest.DocTest]:
    names = [module.name for module in pkgutil.iter_modules(helios.__path__) if not module.name.startswith("_")]
    for name in ["helios", *(f"helios.{name}" for name in names)]:
        for test in doctest.DocTestFinder().find(importlib.import_module(name), name):
            if test.examples:
                yield test


FOUND = list(found())


@pytest.fixture
def names(data: Path, account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What the examples know, and a working directory whose folders of data are that of the engine that runs already."""
    monkeypatch.chdir(tmp_path)
    for folder in ("data", "helios-data"):
        Path(folder).symlink_to(data)
    account.create_stream("clicks", *EVENTS)
    with helios.connect(data, **account.settings) as keeper:
        keeper.create_table("clicks", "clicks", SCHEMA, delivery="consumer", start_position="oldest", order_by=["at"])
        keeper.consume("clicks", until_caught_up=True).wait()
        with helios.connect(data, **account.settings) as client:
            yield {"asyncio": asyncio, "helios": helios, "client": client}
        for source in keeper.sources():
            keeper.remove(source, table="drop")
        keeper.query("DROP TABLE IF EXISTS clicks")
        keeper.query("DROP TABLE IF EXISTS quarantine.clicks")


@pytest.mark.parametrize("test", FOUND, ids=[test.name for test in FOUND])
def test_the_example_of(test: doctest.DocTest, names: dict[str, Any]) -> None:
    said: list[str] = []
    test.globs = names
    outcome = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=said.append)
    assert outcome.attempted == len(test.examples)
    assert outcome.failed == 0, "".join(said)


def test_every_method_has_an_example() -> None:
    methods = {name for name, _ in inspect.getmembers(helios.Helios, inspect.isfunction) if not name.startswith("_")}
    shown = {test.name.removeprefix("helios.client.Helios.") for test in FOUND}
    assert methods
    assert methods - shown == set()
