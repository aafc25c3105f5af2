"""Values of a query's parameters, in ClickHouse's text form."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Union
from uuid import UUID

from ._checks import text, wrong_type

Parameter = Union[str, bool, int, float, Decimal, dt.date, dt.datetime, UUID, Sequence["Parameter"]]
"""What a parameter can be; a sequence is a list or a tuple of these, for an ``Array``."""

_KINDS = "a str, int, float, bool, Decimal, date, datetime or UUID, or a list of these"


def texts(parameters: Mapping[str, Parameter] | None) -> dict[str, str]:
    """The parameters as ClickHouse reads them."""
    if parameters is None:
        return {}
    if not isinstance(parameters, Mapping):
        raise wrong_type("parameters", "a dict from name to value", parameters)
    return {text("a parameter's name", name): _text(name, value) for name, value in parameters.items()}


def _text(name: str, value: object) -> str:
    if isinstance(value, (list, tuple)):
        return _array(name, value)
    if isinstance(value, str):
        return value
    return _scalar(name, value)


def _array(name: str, values: Sequence[object]) -> str:
    return f"[{','.join(_element(f'{name}[{index}]', value) for index, value in enumerate(values))}]"


def _element(name: str, value: object) -> str:
    """Inside of an array, what is no number is quoted."""
    if isinstance(value, (list, tuple)):
        return _array(name, value)
    if isinstance(value, (bool, int, float, Decimal)):
        return _scalar(name, value)
    content = value if isinstance(value, str) else _scalar(name, value)
    escaped = content.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _scalar(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return float.__repr__(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dt.datetime):
        return _time(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise wrong_type(f"the parameter {name}", _KINDS, value)


_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)


def _time(value: dt.datetime) -> str:
    """An aware time is an instant, in seconds since 1970; a naive one is what the clock shows in the parameter's zone."""
    if value.tzinfo is None:
        return value.isoformat(sep=" ")
    seconds, fraction = divmod(value - _EPOCH, dt.timedelta(seconds=1))
    microseconds = fraction // dt.timedelta(microseconds=1)
    return f"{seconds}.{microseconds:06}" if microseconds else str(seconds)
