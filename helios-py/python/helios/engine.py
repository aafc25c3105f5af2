"""The ClickHouse of a client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ._checks import count, optional_text
from ._wire import Answer
from .exceptions import InvalidInputError

if TYPE_CHECKING:
    from types import TracebackType

    from . import _helios

_LAST_PORT = 2**16 - 1


@dataclass(frozen=True)
class Engine(Answer):
    """The ClickHouse of a client."""

    version: str
    """ClickHouse's version: ``"26.7.2.1"``."""
    origin: str | None
    """What the embedded engine is and where it was loaded from: ``"chdb 4.4.0, /venv/lib/…/chdb"``, or
    ``"libchdb, /opt/libchdb.so"``; ``None`` for a server."""


class Listener:
    """The embedded engine on a port of this machine, until it is closed.

    It keeps the engine open. Use it in a ``with`` block, or :meth:`close` it.
    """

    def __init__(self, native: _helios.Listener) -> None:
        self._native = native

    @property
    def url(self) -> str:
        """Where ClickHouse's HTTP interface is: ``"http://127.0.0.1:8123"``."""
        return self._native.url

    def close(self) -> None:
        """Take no more requests, and wait for those under way, 10 seconds at most. It may be called again."""
        self._native.close()

    def __enter__(self) -> Listener:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Listener:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._native.close_async()

    def __repr__(self) -> str:
        return f"<helios.Listener {'closed' if self._native.closed else 'on ' + self.url}>"


def credentials(user: str | None, password: str | None) -> tuple[str, str] | None:
    """Both, or neither."""
    user, password = optional_text("user", user), optional_text("password", password)
    if user is None and password is None:
        return None
    return (user or "default", password or "")


def local_port(number: int) -> int:
    """A port of this machine; 0 for a free one."""
    if count("port", number) > _LAST_PORT:
        raise InvalidInputError(f"port must be 0 to {_LAST_PORT}", context={"port": str(number)})
    return number
