"""The result of a query as bytes, chunk by chunk."""

from __future__ import annotations

from . import _helios
from ._reading import AsyncReading, Reading


class QueryBytes(Reading[_helios.QueryBytes]):
    """The result of a query as bytes, in constant memory: it iterates over chunks of them.

    A result is whole when the iteration ends without an exception; what came before one is not. The query ends with the
    result, when this is closed, or with its client. A chunk may end anywhere, in the middle of a row too.
    """

    __slots__ = ()

    def __iter__(self) -> QueryBytes:
        return self

    def __next__(self) -> bytes:
        chunk: bytes = self._next()
        return chunk


class AsyncQueryBytes(AsyncReading[_helios.QueryBytes]):
    """:class:`QueryBytes` for asyncio. A task that is cancelled while it waits for a chunk ends the query."""

    __slots__ = ()

    def __aiter__(self) -> AsyncQueryBytes:
        return self

    async def __anext__(self) -> bytes:
        chunk: bytes = await self._next()
        return chunk
