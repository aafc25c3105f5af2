"""ClickHouse types, as far as a frame has to know them."""

from __future__ import annotations

from typing import NamedTuple

from . import _helios


class Type(NamedTuple):
    """A type, whether or not its values may be null and however they are stored."""

    name: str
    """Without its arguments: ``"Array"``."""
    inner: list[str]
    """The types that a value is made of: of an ``Array`` its element, of a ``Map`` the key and the value."""
    enum_names: list[str] | None
    """The names of an enum, in the order of their numbers; ``None`` of another type."""
    digits: int | None
    """How many digits a decimal has; ``None`` of another type."""

    @property
    def is_wide_integer(self) -> bool:
        """Whether it is an integer that Arrow has no type for."""
        return self.name in ("Int128", "UInt128", "Int256", "UInt256")

    @property
    def is_json(self) -> bool:
        """Whether its values come as JSON."""
        return self.name in ("JSON", "Object", "Dynamic")


def parse(text: str) -> Type:
    """What a type is. The library takes it apart: there is one place for that."""
    return Type(*_helios.describe_type(text))
