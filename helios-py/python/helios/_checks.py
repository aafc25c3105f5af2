"""Arguments of the wrong type or out of range are refused by their name."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable

from .exceptions import InvalidInputError

_LARGEST = 2**64 - 1


def text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise wrong_type(name, "a str", value)
    if has_lone_surrogate(value):
        raise InvalidInputError(f"{name} contains {LONE_SURROGATE}")
    return value


LONE_SURROGATE = (
    "a lone surrogate, which is not a character; replace it first: `text.encode('utf-8', 'replace').decode()`"
)


def has_lone_surrogate(value: str) -> bool:
    """Whether a string cannot be written as UTF-8."""
    if value.isascii():
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return True
    return False


def optional_text(name: str, value: object) -> str | None:
    return None if value is None else text(name, value)


def one_of(name: str, value: object, choices: tuple[str, ...]) -> str:
    chosen = text(name, value)
    if chosen not in choices:
        raise InvalidInputError(f"{name} must be one of {', '.join(choices)}", context={name: chosen})
    return chosen


def texts(name: str, value: object) -> list[str]:
    """A list of texts; one text alone is most likely a mistake."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise wrong_type(name, "a list of str", value)
    return [text(f"{name}[{index}]", element) for index, element in enumerate(value)]


def flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise wrong_type(name, "a bool", value)
    return value


def count(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise wrong_type(name, "an int", value)
    if not 0 <= value <= _LARGEST:
        # Python does not write an integer of any size.
        given = str(value) if abs(value) < 2**256 else f"{value.bit_length()} bits"
        raise InvalidInputError(f"{name} must be 0 to 2**64 - 1", context={name: given})
    return value


def optional_count(name: str, value: object) -> int | None:
    return None if value is None else count(name, value)


def seconds(name: str, value: object) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise wrong_type(name, "a number of seconds", value)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not 0 <= number < _LARGEST:
        raise InvalidInputError(f"{name} must be a number of seconds, 0 or more", context={name: str(number)})
    return number


def wrong_type(name: str, expected: str, value: object) -> TypeError:
    """The value itself stays out of the message: it may be a secret."""
    return TypeError(f"{name} must be {expected}, not {type(value).__name__}")


def present(**values: object) -> dict[str, object]:
    """What was given."""
    return {name: value for name, value in values.items() if value is not None}


def json_text(name: str, value: object) -> str:
    try:
        return json.dumps(value, allow_nan=False)
    except TypeError as error:
        raise TypeError(f"{name} must be what JSON can say: {error}") from None
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"{name} must be what JSON can say: {error}") from None
