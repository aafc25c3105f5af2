"""Consumers that run in the background."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import TracebackType

from . import _bars, _helios, _html
from ._bars import Bar
from ._checks import seconds
from ._progress import OnThisLoop, awaited
from ._wire import read
from .delivery import ConsumeProgress, ConsumeReport
from .exceptions import HeliosTimeoutError

# How often a bar is looked after.
_TURN = 0.25


def _turns(timeout: float | None, bar: Bar[ConsumeProgress]) -> Iterator[float | None]:
    """For how long to wait, again and again: at once to the end, unless there is a bar to be moved meanwhile."""
    limit = None if timeout is None else seconds("timeout", timeout)
    if bar.call() is None:
        yield limit
        return
    end = None if limit is None else time.monotonic() + limit
    while True:
        left = _TURN if end is None else min(_TURN, end - time.monotonic())
        if left < 0:
            return
        yield left


class _Running:
    """What both kinds have in common."""

    __slots__ = ("__weakref__", "_is_stopped", "_native", "_stream")

    def __init__(self, native: _helios.Consumer, stream: str) -> None:
        self._native = native
        self._stream = stream
        self._is_stopped = False

    @property
    def stream(self) -> str:
        """The stream, as it was named."""
        return self._stream

    @property
    def running(self) -> bool:
        """Whether it still runs. One that was stopped does so for up to a second."""
        return self._native.running

    @property
    def stopped(self) -> bool:
        """Whether somebody has stopped it: :meth:`stop`, the end of its ``with`` block, or Ctrl-C."""
        return self._is_stopped

    @property
    def progress(self) -> ConsumeProgress:
        """What it has done so far."""
        return read(ConsumeProgress, self._native.progress())

    def _stop(self) -> None:
        self._is_stopped = True
        self._native.stop()

    def _show(self, bar: Bar[ConsumeProgress]) -> None:
        if (show := bar.call()) is not None:
            show(self._native.progress())

    def _late(self, timeout: float | None) -> HeliosTimeoutError:
        return HeliosTimeoutError(
            f"the consumer still runs after {timeout} s; wait longer, or stop it {{stream: {self._stream}}}",
            operation="consume",
            context={"stream": self._stream},
            retryable=True,
        )

    def __repr__(self) -> str:
        so_far = self.progress
        state = "running" if self.running else "ended"
        return (
            f"<helios.{type(self).__name__} of {self._stream}, {state}: {so_far.received} events received, "
            f"{so_far.delivered} delivered, {so_far.quarantined} in quarantine>"
        )

    def _repr_html_(self) -> str:
        state = "running" if self.running else "ended"
        return f"<p>Consumer of {_html.value(self._stream).text}, {state}</p>{self.progress._repr_html_()}"


class Consumer(_Running):
    """A consumer that runs in the background: made by :meth:`Helios.consume`.

    It goes on whatever becomes of this object, until it is stopped, it ends by itself, or its client is closed. As the
    context of a ``with`` block it is stopped at the end.
    """

    __slots__ = ()

    def wait(self, timeout: float | None = None, *, progress_bar: bool | None = None) -> ConsumeReport:
        """Wait until it ends, at most ``timeout`` seconds; for ever unless given. Ctrl-C stops it.

        ``progress_bar`` is that of :meth:`Helios.query`.

        Raises :class:`HeliosTimeoutError` if it still runs then; it goes on. Raises what ``on_progress`` has raised; if it was
        to run until it has caught up, what keeps a shard from being delivered for good.
        """
        report = None
        try:
            with _bars.consume(progress_bar, None) as bar:
                for limit in _turns(timeout, bar):
                    if (report := self._native.wait(limit)) is not None:
                        break
                    self._show(bar)
        except KeyboardInterrupt:
            self._stop()
            raise
        if report is None:
            raise self._late(timeout)
        return read(ConsumeReport, report)

    def stop(self) -> ConsumeReport:
        """Stop it, which takes up to a second, and say what it has done. What was being delivered is finished by the next one.

        It may be called again.
        """
        self._stop()
        return self.wait()

    def __enter__(self) -> Consumer:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop()
        if exc_type is None:
            self.wait()


class AsyncConsumer(_Running):
    """:class:`Consumer` for asyncio. A task that is cancelled while it waits leaves the consumer running."""

    __slots__ = ("_on_progress",)

    def __init__(self, native: _helios.Consumer, stream: str, on_progress: OnThisLoop | None) -> None:
        super().__init__(native, stream)
        self._on_progress = on_progress

    async def wait(self, timeout: float | None = None, *, progress_bar: bool | None = None) -> ConsumeReport:
        """As :meth:`Consumer.wait`."""
        report = None
        with _bars.consume(progress_bar, None) as bar:
            for limit in _turns(timeout, bar):
                report = await awaited(self._native.wait_async(limit), self._on_progress)
                if report is not None:
                    break
                self._show(bar)
        if report is None:
            raise self._late(timeout)
        return read(ConsumeReport, report)

    async def stop(self) -> ConsumeReport:
        """As :meth:`Consumer.stop`."""
        self._stop()
        return await self.wait()

    async def __aenter__(self) -> AsyncConsumer:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop()
        if exc_type is None:
            await self.wait()
