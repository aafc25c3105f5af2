"""What results that are read piece by piece have in common: a name, a progress bar, and an end that can come early."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from . import _helios
from ._bars import Bar
from ._progress import OnThisLoop, awaited

if TYPE_CHECKING:
    from typing_extensions import Self

Native = TypeVar("Native", bound="_helios.QueryBytes | _helios.QueryBatches")


class Named(Generic[Native]):
    """A result of a query that may still run."""

    __slots__ = ("_bar", "_native")

    def __init__(self, native: Native, bar: Bar[Any]) -> None:
        self._native = native
        self._bar = bar

    @property
    def query_id(self) -> str:
        """The name by which the query can be cancelled and watched."""
        return self._native.query_id

    def __del__(self) -> None:
        # What it is of may still hold it.
        self._bar.close()

    def __repr__(self) -> str:
        return f"<helios.{type(self).__name__} of {self.query_id}>"


class Reading(Named[Native]):
    """One that is waited for."""

    __slots__ = ()

    def _next(self) -> Any:
        """The next piece."""
        try:
            piece = self._native.next()
        except BaseException:
            self._bar.close()
            raise
        if piece is None:
            self._bar.close()
            raise StopIteration
        return piece

    def close(self) -> None:
        """End the query, if it still runs. It may be called again."""
        self._native.close()
        self._bar.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class AsyncReading(Named[Native]):
    """One that is awaited."""

    __slots__ = ("_on_progress",)

    def __init__(self, native: Native, bar: Bar[Any], on_progress: OnThisLoop | None) -> None:
        super().__init__(native, bar)
        self._on_progress = on_progress

    async def _next(self) -> Any:
        """The next piece."""
        try:
            piece = await awaited(self._native.next_async(), self._on_progress)
        except BaseException as error:
            self._bar.close()
            if isinstance(error, Exception):
                await self._native.close_async()
            raise
        if piece is None:
            self._bar.close()
            raise StopAsyncIteration
        return piece

    async def close(self) -> None:
        """End the query, if it still runs. It may be called again."""
        self._bar.close()
        await self._native.close_async()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
