"""Every example in a docstring runs, and shows what it says; every method of a client has one."""

from __future__ import annotations

import asyncio
import doctest
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path

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


@pytest.fixture(params=FOUND, ids=[test.name for test in FOUND])
def test(request: pytest.FixtureRequest) -> doctest.DocTest:
    found: doctest.DocTest = request.param
    return found


@pytest.fixture
def client(test: doctest.DocTest, data: Path, account: Account) -> Iterator[helios.Helios]:
    """A client whose account has the stream `clicks`, and a table of that name, for the examples that speak of it."""
    with helios.connect(data, **account.settings) as keeper, helios.connect(data, **account.settings) as client:
        if "clicks" in (test.docstring or ""):
            account.create_stream("clicks", *EVENTS)
            options: helios.TableOptions = {"delivery": "consumer", "start_position": "oldest", "order_by": ["at"]}
            keeper.create_table("clicks", "clicks", SCHEMA, **options)
            keeper.consume("clicks", until_caught_up=True).wait()
        yield client
        for source in keeper.sources():
            keeper.remove(source, table="drop")
        for table in ("clicks", "quarantine.clicks"):
            keeper.query(f"DROP TABLE IF EXISTS {table}")


def test_an_example(
    test: doctest.DocTest, client: helios.Helios, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One folder of data is open at a time: those that the examples name are that one.
    for folder in ("data", "helios-data"):
        (tmp_path / folder).symlink_to(data)
    monkeypatch.chdir(tmp_path)
    test.globs = {"asyncio": asyncio, "helios": helios, "client": client}
    said: list[str] = []
    outcome = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=said.append)
    assert outcome.attempted == len(test.examples)
    assert outcome.failed == 0, "".join(said)


def test_every_method_has_an_example() -> None:
    methods = {name for name, _ in inspect.getmembers(helios.Helios, inspect.isfunction) if not name.startswith("_")}
    shown = {test.name.removeprefix("helios.client.Helios.") for test in FOUND}
    assert methods
    assert methods - shown == set()
