"""Packages that Helios does without, but for what somebody asks of it."""

from __future__ import annotations

import importlib


def need(what: str, name: str, extra: str) -> None:
    """See to it that a package is there; the exception says what needs it, and which extra of Helios has it."""
    try:
        importlib.import_module(name)
    except ImportError as error:
        raise ImportError(f"{what} needs the package {name}: pip install 'helios-py[{extra}]'", name=name) from error
