"""Values of a query's parameters."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import isfinite
from typing import Union
from uuid import UUID

from ._checks import text, wrong_type
from .exceptions import InvalidInputError

Parameter = Union[str, bool, int, float, Decimal, dt.date, dt.datetime, UUID, Sequence["Parameter"]]
"""What a parameter can be; a sequence is a list or a tuple of these, for an ``Array``."""

_KINDS = "a str, int, float, bool, Decimal, date, datetime or UUID, or a list of these"


def to_json(parameters: Mapping[str, Parameter] | None) -> str:
    """The parameters as JSON: numbers with all their digits, everything else as ClickHouse reads its text."""
    if parameters is None:
        return "{}"
    if not isinstance(parameters, Mapping):
        raise wrong_type("parameters", "a dict from name to value", parameters)
    members = (
        f"{json.dumps(text('the name of a parameter', name))}:{_member(f'the parameter {name}', value)}"
        for name, value in parameters.items()
    )
    return "{" + ",".join(members) + "}"


def _member(place: str, value: object) -> str:
    try:
        return _value(place, value)
    except RecursionError:
        raise InvalidInputError(f"{place} is nested too deeply; no type of ClickHouse is") from None


def _value(place: str, value: object) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{','.join(_value(f'{place}[{index}]', element) for index, element in enumerate(value))}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if value.bit_length() > 256:
            raise InvalidInputError(
                f"{place} must fit 256 bits, ClickHouse's largest integer; pass its digits as a str"
            )
        return int.__repr__(value)
    if isinstance(value, float) and isfinite(value):
        return float.__repr__(value)
    if isinstance(value, Decimal) and value.is_finite():
        return format(value, "f")
    return json.dumps(_text(place, value))


def _text(place: str, value: object) -> str:
    if isinstance(value, str):
        return text(place, value)
    if isinstance(value, (float, Decimal, UUID)):
        return str(value)
    if isinstance(value, dt.datetime):
        return _time(place, value)
    if isinstance(value, dt.date):
        return value.isoformat()
    raise wrong_type(place, _KINDS, value)


_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)


def _time(place: str, value: dt.datetime) -> str:
    """An aware time is an instant, in seconds since 1970; a naive one is what the clock shows in the parameter's zone."""
    if value.tzinfo is None:
        return value.isoformat(sep=" ")
    microseconds = (value - _EPOCH) // dt.timedelta(microseconds=1)
    seconds, fraction = divmod(abs(microseconds), 1_000_000)
    sign = "-" if microseconds < 0 else ""
    if sign and seconds == 0:
        # It reads no sign before a 0: the time would be as much after 1970.
        raise InvalidInputError(
            f"{place} is in the last second before 1970, which ClickHouse cannot read as a number; give it without a zone, as the "
            "clock shows it in the parameter's zone"
        )
    # ClickHouse takes fewer than five digits for a year.
    return f"{sign}{seconds:05}.{fraction:06}" if fraction else f"{sign}{seconds:05}"
