"""The result of a query as bytes, chunk by chunk."""

from __future__ import annotations

from types import TracebackType

from . import _helios
from ._progress import OnThisLoop, awaited


class QueryBytes:
    """The result of a query as bytes, in constant memory: it iterates over chunks of them.

    A result is whole when the iteration ends without an exception; what came before one is not. The query ends with the
    result, when this is closed, or with its client. A chunk may end anywhere, in the middle of a row too.
    """

    __slots__ = ("_native",)

    def __init__(self, native: _helios.QueryBytes) -> None:
        self._native = native

    @property
    def query_id(self) -> str:
        """The name by which the query can be cancelled and watched."""
        return self._native.query_id

    def __iter__(self) -> QueryBytes:
        return self

    def __next__(self) -> bytes:
        chunk = self._native.next()
        if chunk is None:
            raise StopIteration
        return chunk

    def close(self) -> None:
        """End the query, if it still runs. It may be called again."""
        self._native.close()

    def __enter__(self) -> QueryBytes:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<helios.QueryBytes of {self.query_id}>"


class AsyncQueryBytes:
    """:class:`QueryBytes` for asyncio. A task that is cancelled while it waits for a chunk ends the query."""

    __slots__ = ("_native", "_on_progress")

    def __init__(self, native: _helios.QueryBytes, on_progress: OnThisLoop | None) -> None:
        self._native = native
        self._on_progress = on_progress

    @property
    def query_id(self) -> str:
        """The name by which the query can be cancelled and watched."""
        return self._native.query_id

    def __aiter__(self) -> AsyncQueryBytes:
        return self

    async def __anext__(self) -> bytes:
        try:
            chunk = await awaited(self._native.next_async(), self._on_progress)
        except Exception:
            await self._native.close_async()
            raise
        if chunk is None:
            raise StopAsyncIteration
        return chunk

    async def close(self) -> None:
        """End the query, if it still runs. It may be called again."""
        await self._native.close_async()

    async def __aenter__(self) -> AsyncQueryBytes:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<helios.AsyncQueryBytes of {self.query_id}>"
