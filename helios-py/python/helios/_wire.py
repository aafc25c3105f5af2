"""Answers as dataclasses, and back: the fields are those of the JSON, in Python's spelling."""

from __future__ import annotations

import dataclasses
import datetime as dt
import types
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from . import _html, _json
from ._checks import optional_text, wrong_type
from ._html import Html
from .exceptions import InvalidInputError

_Answer = TypeVar("_Answer", bound="Answer")

# What is written in capitals in JSON.
_CAPITALS = {"arn": "ARN", "uuid": "UUID"}


# Of each class, once: to find out takes longer than to read an answer.
_FIELDS: dict[type[Answer], list[tuple[str, str, Any]]] = {}


class Answer:
    """What a dataclass of an answer is made from."""

    def to_dict(self) -> dict[str, Any]:
        """The same in the shape and the spelling of the HTTP interface."""
        try:
            return {
                wire_name(field.name): _to_wire(value)
                for field in dataclasses.fields(self)  # type: ignore[arg-type]
                if (value := getattr(self, field.name)) is not field.default
            }
        except RecursionError:
            raise InvalidInputError(f"this {type(self).__name__} is nested too deeply") from None

    def _repr_html_(self) -> str:
        return self._html().text

    def _html(self) -> Html:
        return _html.fields(self._shown())

    def _shown(self) -> dict[str, object]:
        """The fields as a notebook shows them."""
        return {
            field.name: _to_html(field.name, getattr(self, field.name))
            for field in dataclasses.fields(self)  # type: ignore[arg-type]
        }


_Item = TypeVar("_Item", bound=Answer)


class Answers(list[_Item]):
    """A list of answers, which a notebook shows as a table."""

    def _repr_html_(self) -> str:
        return _html.records([answer._shown() for answer in self], "of them").text if self else "<p>nothing</p>"


def read(kind: type[_Answer], answer: str) -> _Answer:
    """An answer's JSON as the dataclass that is meant for it."""
    return _of_dict(kind, _json.loads(answer))


def read_all(kind: type[_Answer], answers: list[dict[str, Any]]) -> list[_Answer]:
    """Answers, as their JSON has them, as the dataclass that is meant for each."""
    return Answers(_of_dict(kind, members) for members in answers)


def time_text(name: str, value: object) -> str | None:
    """A time as Helios reads it."""
    if value is None or isinstance(value, str):
        return optional_text(name, value)
    if isinstance(value, dt.datetime):
        return value.isoformat()
    raise wrong_type(name, "a str or a datetime", value)


def _of_dict(kind: type[_Answer], members: dict[str, Any]) -> _Answer:
    # What is left out has a default.
    return kind(
        **{name: _of_wire(hint, members[wire_name]) for name, wire_name, hint in _fields(kind) if wire_name in members}
    )


def _fields(kind: type[Answer]) -> list[tuple[str, str, Any]]:
    """The name of each field here and in JSON, and its type."""
    found = _FIELDS.get(kind)
    if found is None:
        found = [(name, wire_name(name), hint) for name, hint in get_type_hints(kind).items()]
        _FIELDS[kind] = found
    return found


def wire_name(name: str) -> str:
    """A name as JSON spells it."""
    # A name that is a word of Python's has a `_` behind it.
    first, *others = name.rstrip("_").split("_")
    return first + "".join(_CAPITALS.get(word, word.title()) for word in others)


def _of_wire(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    if get_origin(hint) in (Union, types.UnionType):
        hint = get_args(hint)[0]
    if hint is dt.datetime:
        return _time(value)
    if of_wire := getattr(hint, "of_wire", None):
        return of_wire(value)
    if get_origin(hint) is list:
        return [_of_wire(get_args(hint)[0], item) for item in value]
    if isinstance(hint, type) and issubclass(hint, Answer):
        return _of_dict(hint, value)
    return value


def _to_html(name: str, value: Any) -> object:
    if isinstance(value, Answer):
        return value._html()
    if isinstance(value, list) and value and all(isinstance(item, Answer) for item in value):
        return _html.records([item._shown() for item in value], name.replace("_", " "))
    if name == "create_table_query" and isinstance(value, str):
        return _html.statement(value)
    return value


def _to_wire(value: Any) -> Any:
    if isinstance(value, Answer):
        return value.to_dict()
    if isinstance(value, list):
        return [_to_wire(item) for item in value]
    if isinstance(value, dt.datetime):
        text = value.astimezone(dt.timezone.utc).isoformat()
        whole, point, fraction = text.removesuffix("+00:00").partition(".")
        return whole + point + fraction.rstrip("0") + "Z"
    return value


def _time(text: str) -> dt.datetime:
    """Times are in UTC. Python's are to the microsecond."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    return dt.datetime.fromisoformat(f"{whole}.{fraction[:6]:0<6}+00:00")
