"""Functions of the caller's that are told how far an operation is."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ._checks import wrong_type
from ._wire import Answer, read
from .exceptions import HeliosError

Call = Callable[[str], object]
_Progress = TypeVar("_Progress", bound=Answer)
_Outcome = TypeVar("_Outcome")


def reader(kind: type[_Progress], on_progress: Callable[[_Progress], object] | None) -> Call | None:
    """What is called with the JSON of each progress."""
    call = caller(on_progress)
    return None if call is None else lambda so_far: call(read(kind, so_far))


def caller(on_progress: Callable[[_Progress], object] | None) -> Callable[[_Progress], object] | None:
    """The function, if there is one, and it is one."""
    if on_progress is None:
        return None
    if not callable(on_progress):
        raise wrong_type("on_progress", "a function", on_progress)
    if inspect.iscoroutinefunction(on_progress):
        # Nobody would await it.
        raise wrong_type("on_progress", "a function that is not async", on_progress)
    return on_progress


class OnThisLoop:
    """Has the event loop run a function that Helios calls on a thread of its own.

    The answer comes too late for this call. It is given to the next one.
    """

    def __init__(self, call: Call) -> None:
        # Whoever comes here has it already; for others it is most of what `import helios` would take.
        import asyncio

        self._loop = asyncio.get_running_loop()
        self._call = call
        self._goes_on = True
        self._raised: BaseException | None = None

    def __call__(self, so_far: str) -> bool:
        self._loop.call_soon_threadsafe(self._run, so_far)
        return self._goes_on

    def _run(self, so_far: str) -> None:
        if not self._goes_on:
            return
        try:
            self._goes_on = self._call(so_far) is not False
        except BaseException as error:  # noqa: BLE001 - raised where the answer is awaited
            self._goes_on = False
            self._raised = error

    def check(self) -> None:
        """Raise what the function has raised."""
        if self._raised is not None:
            raise self._raised


def on_this_loop(call: Call | None) -> OnThisLoop | None:
    """The function, if there is one, called by the event loop."""
    return None if call is None else OnThisLoop(call)


async def awaited(answer: Awaitable[_Outcome], on_progress: OnThisLoop | None) -> _Outcome:
    """The answer, unless the function has raised."""
    try:
        outcome = await answer
    except HeliosError:
        # That the operation was cancelled follows from what was raised.
        if on_progress is not None:
            on_progress.check()
        raise
    if on_progress is not None:
        on_progress.check()
    return outcome
