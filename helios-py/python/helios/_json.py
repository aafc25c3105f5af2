"""JSON, whatever Python's own limits are."""

from __future__ import annotations

import json
import math
from typing import Any


def loads(text: str) -> Any:
    """What JSON says; numbers that Python does not hold stay text."""
    return json.loads(text, parse_int=_integer, parse_float=_float)


def value(text: str) -> Any:
    """What a value of ClickHouse says as JSON. Nested deeper than Python reads, it stays text."""
    try:
        return loads(text)
    except RecursionError:
        return text


def _integer(digits: str) -> int | float | str:
    try:
        return int(digits) if digits != "-0" else -0.0
    except ValueError:
        return digits


def _float(digits: str) -> float | str:
    number = float(digits)
    is_lost = math.isinf(number) or (
        number == 0 and any(digit in "123456789" for digit in digits.lower().split("e")[0])
    )
    return digits if is_lost else number
