"""JSON, whatever Python's own limits are."""

from __future__ import annotations

import json
from typing import Any


def loads(text: str) -> Any:
    """What JSON says; integers of more digits than Python reads stay text."""
    try:
        return json.loads(text)
    except ValueError:
        return json.loads(text, parse_int=_integer)


def value(text: str) -> Any:
    """What a value of ClickHouse says as JSON. Nested deeper than Python reads, it stays text."""
    try:
        return loads(text)
    except RecursionError:
        return text


def _integer(digits: str) -> int | str:
    try:
        return int(digits)
    except ValueError:
        return digits
