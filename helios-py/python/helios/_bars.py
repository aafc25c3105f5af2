"""Progress bars, by tqdm."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable, Sized
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from ._checks import wrong_type
from ._packages import need
from ._progress import Call, caller, reader
from ._wire import Answer

if TYPE_CHECKING:
    from typing_extensions import Self

    from .delivery import ConsumeProgress
    from .query import QueryProgress
    from .sample import SampleProgress
    from .stream import EventsPut

_Progress = TypeVar("_Progress", bound=Answer)

# Seconds before a bar that nobody asked for is shown: most queries are over by then.
_DELAY = 0.5


class Shown(NamedTuple):
    """What a bar shows."""

    done: int
    total: int | None
    more: str
    """What stands behind it."""


class Bar(Generic[_Progress]):
    """A bar that shows how far an operation is, if one is wanted, until it is closed or its `with` block ends.

    Nothing that goes wrong with it is of consequence for the operation.
    """

    __slots__ = ("_bar", "_ended", "_kind", "_on_progress", "_shown", "_start", "_stays", "_title", "_unit", "_wait")

    def __init__(
        self,
        kind: type[_Progress],
        progress_bar: bool | None,
        on_progress: Callable[[_Progress], object] | None,
        *,
        title: str,
        unit: str,
        shown: Callable[[_Progress], Shown],
    ) -> None:
        self._kind = kind
        self._on_progress = on_progress
        self._title = title
        self._unit = unit
        self._shown = shown
        self._start = time.time()
        self._wait = 0 if progress_bar else _DELAY
        self._stays = False
        self._bar: Any = None
        self._ended = not _is_wanted(progress_bar)

    def call(self) -> Call | None:
        """What the operation is to call with the JSON of its progress. It calls `on_progress` too."""
        alone = reader(self._kind, self._on_progress)
        return alone if self._ended else reader(self._kind, self.tell)

    def tell(self, so_far: _Progress) -> object:
        """Show how far the operation is, and ask `on_progress` whether it goes on."""
        if not self._ended:
            try:
                self._show(self._shown(so_far))
            except Exception:  # noqa: BLE001 - whatever it is, the operation goes on
                self.close()
        return None if self._on_progress is None else self._on_progress(so_far)

    def _show(self, shown: Shown) -> None:
        if time.time() - self._start < self._wait:
            return
        if self._bar is None:
            # In a notebook it is one of widgets, which take a while to import.
            from tqdm.auto import tqdm

            options: dict[str, Any] = {"mininterval": 0, "miniters": 0, "leave": False, "dynamic_ncols": True}
            self._bar = tqdm(desc=self._title, unit=self._unit, unit_scale=True, total=shown.total, **options)
        elif shown.total is not None and shown.total != self._bar.total:
            self._bar.reset(shown.total)
        self._bar.start_t = self._start
        self._bar.set_postfix_str(shown.more, refresh=False)
        self._bar.update(shown.done - self._bar.n)

    def goes_on(self) -> Self:
        """Leave the bar to somebody else, who closes it, at the end of the `with` block."""
        self._stays = True
        return self

    def close(self) -> None:
        """Take the bar away, if there is one. It may be called again."""
        self._ended = True
        bar, self._bar = self._bar, None
        if bar is not None:
            with suppress(Exception):
                bar.close()

    def __del__(self) -> None:
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._stays:
            self.close()


def query(progress_bar: bool | None, on_progress: Callable[[QueryProgress], object] | None) -> Bar[QueryProgress]:
    """The bar of a query: rows that were read, of about how many."""
    from .query import QueryProgress

    def shown(so_far: QueryProgress) -> Shown:
        # An estimate, that may be too low.
        total = max(so_far.total_rows, so_far.read_rows) if so_far.total_rows else None
        return Shown(so_far.read_rows, total, f"{size(so_far.read_bytes)} read, {size(so_far.memory_usage)} of memory")

    return Bar(QueryProgress, progress_bar, on_progress, title="Query", unit=" rows", shown=shown)


def sample(
    progress_bar: bool | None, on_progress: Callable[[SampleProgress], object] | None, max_events: int | None
) -> Bar[SampleProgress]:
    """The bar of a sample: events that were found, of as many as are wanted."""
    from .sample import SampleProgress

    total = 100 if max_events is None else max_events

    def shown(so_far: SampleProgress) -> Shown:
        more = f"{so_far.reads} reads of {so_far.shards} shards, {size(so_far.bytes)}"
        return Shown(so_far.events, total, more)

    return Bar(SampleProgress, progress_bar, on_progress, title="Sample", unit=" events", shown=shown)


def consume(progress_bar: bool | None, on_progress: Callable[[ConsumeProgress], object] | None) -> Bar[ConsumeProgress]:
    """The bar of a consumer: events that became rows. How many there will be nobody knows."""
    from .delivery import ConsumeProgress

    def shown(so_far: ConsumeProgress) -> Shown:
        more = f"{so_far.records} records, {so_far.quarantined} events in quarantine"
        return Shown(so_far.delivered, None, more)

    return Bar(ConsumeProgress, progress_bar, on_progress, title="Consume", unit=" events", shown=shown)


def put(progress_bar: bool | None, on_progress: Callable[[EventsPut], object] | None, events: object) -> Bar[EventsPut]:
    """The bar of events that are put, of as many as there are, if they have a length."""
    from .stream import EventsPut

    total = len(events) if isinstance(events, Sized) else None

    def shown(so_far: EventsPut) -> Shown:
        more = f"{size(so_far.bytes)}, {so_far.throttled} put again"
        return Shown(so_far.events, total, more)

    caller(on_progress)
    return Bar(EventsPut, progress_bar, on_progress, title="Put", unit=" events", shown=shown)


def size(count: float) -> str:
    """So many bytes, in words: `1.5 MiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.{0 if unit == 'B' else 1}f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def _is_wanted(progress_bar: object) -> bool:
    if progress_bar is None:
        return _in_a_notebook() and importlib.util.find_spec("tqdm") is not None
    if not isinstance(progress_bar, bool):
        raise wrong_type("progress_bar", "a bool or None", progress_bar)
    if progress_bar:
        need("progress_bar=True", "tqdm", "notebook")
    return progress_bar


def _in_a_notebook() -> bool:
    """Whether the code runs in the kernel of a notebook. Where that is so its modules are there."""
    zmqshell, ipython = sys.modules.get("ipykernel.zmqshell"), sys.modules.get("IPython")
    if zmqshell is None or ipython is None:
        return False
    return isinstance(ipython.get_ipython(), zmqshell.ZMQInteractiveShell)
