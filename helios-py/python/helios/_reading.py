"""What results that are read piece by piece have in common: a name, and an end that can come early."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Generic, TypeVar

from . import _helios
from ._progress import OnThisLoop

if TYPE_CHECKING:
    from typing_extensions import Self

Native = TypeVar("Native", bound="_helios.QueryBytes | _helios.QueryBatches")


class Named(Generic[Native]):
    """A result of a query that may still run."""

    __slots__ = ("_native",)

    def __init__(self, native: Native) -> None:
        self._native = native

    @property
    def query_id(self) -> str:
        """The name by which the query can be cancelled and watched."""
        return self._native.query_id

    def __repr__(self) -> str:
        return f"<helios.{type(self).__name__} of {self.query_id}>"


class Reading(Named[Native]):
    """One that is waited for."""

    __slots__ = ()

    def close(self) -> None:
        """End the query, if it still runs. It may be called again."""
        self._native.close()

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

    def __init__(self, native: Native, on_progress: OnThisLoop | None) -> None:
        super().__init__(native)
        self._on_progress = on_progress

    async def close(self) -> None:
        """End the query, if it still runs. It may be called again."""
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
