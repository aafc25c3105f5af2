"""Progress bars: where they are wanted, with `on_progress`, and gone when the operation is over."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest
import tqdm.auto
from account import Account

import helios
from helios import _bars

Run = Callable[..., "subprocess.CompletedProcess[str]"]
SLOW = "SELECT sum(sleepEachRow(0.1)) AS s FROM numbers(8) SETTINGS max_block_size = 1"
FAILS = "SELECT throwIf(number = 8) FROM numbers(20) WHERE NOT sleepEachRow(0.1) SETTINGS max_block_size = 1"
ENDLESS = "SELECT number, sleepEachRow(0.01) FROM numbers(1000000000) SETTINGS max_block_size = 1"
# The first piece takes long enough for a bar; others follow.
STARTS = """
    SELECT number FROM numbers(1000000000000) WHERE sipHash64(number) % 1000 = 0 AND intDiv(number, 50000000) > 0
    SETTINGS max_threads = 1
"""
METHODS = ["query", "query_json", "query_bytes", "query_arrow"]
PIECES = ["query_bytes", "query_arrow"]


class RecordedBar(tqdm.std.tqdm):  # type: ignore[misc]
    """A bar that writes into a text, and is kept."""

    made: list[RecordedBar] = []  # noqa: RUF012

    def __init__(self, **options: Any) -> None:
        self.text = io.StringIO()
        super().__init__(**options, file=self.text)
        self.made.append(self)

    @property
    def closed(self) -> bool:
        return bool(self.disable)


@pytest.fixture
def bars(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[RecordedBar]]:
    """The bars that are made."""
    RecordedBar.made = []
    monkeypatch.setattr(tqdm.auto, "tqdm", RecordedBar)
    yield RecordedBar.made
    assert all(bar.closed for bar in RecordedBar.made)


@pytest.mark.parametrize("method", METHODS)
def test_a_query_has_a_bar(client: helios.Helios, bars: list[RecordedBar], method: str) -> None:
    seen: list[int] = []
    answer = getattr(client, method)(SLOW, progress_bar=True, on_progress=lambda so_far: seen.append(so_far.read_rows))
    if method in PIECES:
        assert len(list(answer)) == 1
    (bar,) = bars
    assert bar.closed
    assert bar.n == seen[-1] > 0
    assert bar.total == 8
    text = bar.text.getvalue()
    assert "Query:" in text and " rows" in text and " B read, " in text and "of memory" in text
    # It is taken away.
    assert text.endswith("\r")


@pytest.mark.parametrize("progress_bar", [None, False])
@pytest.mark.parametrize("method", METHODS)
def test_none_where_none_is_wanted(
    client: helios.Helios, bars: list[RecordedBar], method: str, progress_bar: bool | None
) -> None:
    for _ in getattr(client, method)(SLOW, progress_bar=progress_bar):
        pass
    assert bars == []


@pytest.mark.parametrize("method", METHODS)
def test_it_is_gone_after_an_error(client: helios.Helios, bars: list[RecordedBar], method: str) -> None:
    def raises(error: type[BaseException], sql: str, **options: Any) -> None:
        with pytest.raises(error):
            for _ in getattr(client, method)(sql, progress_bar=True, **options):
                pass
        assert bars.pop().closed

    def stop(so_far: helios.QueryProgress) -> bool:
        return so_far.read_rows < 2

    def fail(so_far: helios.QueryProgress) -> None:
        raise ZeroDivisionError

    def interrupt(so_far: helios.QueryProgress) -> None:
        raise KeyboardInterrupt

    raises(helios.InvalidQueryError, FAILS)
    raises(helios.QueryCancelledError, ENDLESS, on_progress=stop)
    raises(ZeroDivisionError, ENDLESS, on_progress=fail)
    raises(KeyboardInterrupt, ENDLESS, on_progress=interrupt)


@pytest.mark.parametrize("method", PIECES)
def test_it_goes_with_the_pieces(client: helios.Helios, bars: list[RecordedBar], method: str) -> None:
    with getattr(client, method)(STARTS, progress_bar=True) as pieces:
        next(pieces)
        assert not bars[0].closed
    assert bars.pop().closed

    pieces = getattr(client, method)(STARTS, progress_bar=True)
    next(pieces)
    assert not bars[0].closed
    del pieces
    gc.collect()
    assert bars.pop().closed


def test_it_ends_where_the_batches_are_handed_over(client: helios.Helios, bars: list[RecordedBar]) -> None:
    batches = client.query_arrow(STARTS, progress_bar=True)
    next(batches)
    assert not bars[0].closed
    stream = batches.__arrow_c_stream__()
    assert bars[0].closed
    del stream
    assert len(client.query_arrow(SLOW, progress_bar=True).to_pandas()) == 1
    assert len(bars) == 2


@pytest.mark.parametrize("method", METHODS)
def test_with_asyncio(client: helios.Helios, data: Path, bars: list[RecordedBar], method: str) -> None:
    async def main() -> None:
        async with await helios.connect_async(data) as other:
            seen: list[int] = []
            answer = await getattr(other, method)(
                SLOW, progress_bar=True, on_progress=lambda so_far: seen.append(so_far.read_rows)
            )
            if method in PIECES:
                assert len([piece async for piece in answer]) == 1
            assert bars[0].n == seen[-1] > 0
            assert bars.pop().closed
            with pytest.raises(helios.InvalidQueryError):
                answer = await getattr(other, method)(FAILS, progress_bar=True)
                async for _ in answer:
                    pass
            assert bars.pop().closed

            async def read() -> None:
                async for _ in await getattr(other, method)(ENDLESS, progress_bar=True):
                    pass

            task = asyncio.create_task(read())
            while not bars:
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert bars.pop().closed

    asyncio.run(main())


@pytest.mark.parametrize("broken", ["__init__", "update", "close", "set_postfix_str"])
def test_what_goes_wrong_with_it_does_not_matter(
    client: helios.Helios, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    calls = []

    def fail(*_: object, **__: object) -> None:
        calls.append(broken)
        raise ZeroDivisionError

    class Broken(tqdm.std.tqdm):  # type: ignore[misc]
        pass

    setattr(Broken, broken, fail)
    if broken in ("__init__", "close"):
        # It is called again when such a bar is forgotten.
        monkeypatch.setattr(Broken, "__del__", lambda self: None)
    monkeypatch.setattr(tqdm.auto, "tqdm", Broken)
    assert client.query(SLOW, progress_bar=True).rows() == [{"s": 0}]
    assert calls == [broken]


def test_the_estimate_may_change(bars: list[RecordedBar]) -> None:
    with _bars.query(True, None) as bar:
        call = bar.call()
        assert call is not None
        for read, total in ((10, None), (50, 100), (120, 100), (150, 1000)):
            progress = {"readRows": read, "totalRows": total, "readBytes": 2048, "memoryUsage": 3 << 30}
            assert call(json.dumps({"queryId": "q", "elapsedSeconds": 1, **progress})) is None
            assert (bars[0].n, bars[0].total) == (read, total and max(total, read))
    assert "2.0 KiB read, 3.0 GiB of memory" in bars[0].text.getvalue()
    # What comes late is of no consequence.
    call(json.dumps({"queryId": "q", "elapsedSeconds": 1, **progress}))
    assert len(bars) == 1


CONSUMED = {
    "records": 7,
    "received": 30,
    "delivered": 20,
    "quarantined": 4,
    "duplicatesSkipped": 6,
    "shards": [],
}


def test_of_a_consumer(bars: list[RecordedBar]) -> None:
    seen: list[helios.ConsumeProgress] = []
    with _bars.consume(True, lambda so_far: seen.append(so_far)) as bar:
        call = bar.call()
        assert call is not None
        call(json.dumps(CONSUMED))
    assert seen[0].received == 30
    assert (bars[0].n, bars[0].total) == (20, None)
    assert "Consume: 20.0 events" in bars[0].text.getvalue()
    assert "7 records, 4 events in quarantine" in bars[0].text.getvalue()


class Stream:
    """What samples, in place of AWS."""

    def kinesis_sample(self, stream: str, options: str, call: Callable[[str], object] | None) -> tuple[str, None]:
        if call is not None:
            call('{"events": 3, "unreadable": 0, "bytes": 900, "shards": 2, "reads": 5}')
        proposal: dict[str, Any] = {"orderBy": [], "partitionBy": None, "timeColumn": None, "why": []}
        lists: dict[str, Any] = {"inferredSchema": [], "samples": [], "columns": [], "notes": []}
        answer = {"sampleEvent": None, "createTableQuery": None, "eventsRead": 3, "unreadable": 0, "endedBy": "stopped"}
        return json.dumps({**answer, **lists, "proposal": proposal}), None

    async def kinesis_sample_async(
        self, stream: str, options: str, call: Callable[[str], object] | None
    ) -> tuple[str, None]:
        answer = self.kinesis_sample(stream, options, call)
        await asyncio.sleep(0)
        return answer


def test_while_somebody_waits_for_a_consumer(bars: list[RecordedBar], account: Account, data: Path, table: str) -> None:
    account.create_stream("clicks", {"id": 1}, {"id": 2})
    with helios.connect(data, **account.settings) as client:
        client.create_table("clicks", table, {"id": "UInt8"}, delivery="consumer", start_position="oldest")
        consumer = client.consume("clicks", on_progress=lambda so_far: so_far.delivered < 2 or None)
        with pytest.raises(helios.HeliosTimeoutError):
            consumer.wait(1, progress_bar=True)
        assert consumer.stop().delivered == 2
        assert [(bar.n, bar.total, bar.closed) for bar in bars] == [(2, None, True)]
        put = client.put_events("clicks", [{"id": 3}] * 3, progress_bar=True)
        assert (put.events, bars[1].n, bars[1].total, bars[1].closed) == (3, 3, 3, True)
        client.put_events("clicks", ({"id": 3} for _ in range(2)), progress_bar=True)
        assert (bars[2].n, bars[2].total) == (2, None)


@pytest.mark.parametrize(("options", "total"), [({}, 100), ({"max_events": 5}, 5)])
def test_of_a_sample(bars: list[RecordedBar], options: Any, total: int) -> None:
    native: Any = Stream()
    assert helios.Helios(native).sample("s", progress_bar=True, **options).events_read == 3
    assert asyncio.run(helios.AsyncHelios(native).sample("s", progress_bar=True, **options)).events_read == 3
    assert [(bar.n, bar.total) for bar in bars] == [(3, total)] * 2
    assert "5 reads of 2 shards, 900 B" in bars[0].text.getvalue()
    helios.Helios(native).sample("s", **options)
    assert len(bars) == 2


def test_sizes() -> None:
    sizes = [0, 1023, 1024, 1536, 5 << 20, 7 << 30, 2048 << 40]
    assert [_bars.size(count) for count in sizes] == [
        "0 B",
        "1023 B",
        "1.0 KiB",
        "1.5 KiB",
        "5.0 MiB",
        "7.0 GiB",
        "2048.0 TiB",
    ]


def test_a_bar_of_tqdm_itself(run: Run) -> None:
    process = run(
        f"import helios; helios.connect('data').query({SLOW!r}, progress_bar=True); import sys; assert 'tqdm' in sys.modules"
    )
    assert "Query:" in process.stderr
    process = run(
        f"import helios; helios.connect('data').query({SLOW!r}); import sys; assert 'tqdm' not in sys.modules"
    )
    assert process.stderr == ""


def test_without_tqdm(run: Run) -> None:
    process = run(
        "import sys; sys.modules['tqdm'] = None; import helios; client = helios.connect('data')\n"
        "print(client.query('SELECT 1 AS one').rows())\n"
        "try: client.query('SELECT 1', progress_bar=True)\n"
        "except ImportError as error: print(error.name, error)"
    )
    needed = "tqdm progress_bar=True needs the package tqdm: pip install 'helios-py[notebook]'"
    assert process.stdout.splitlines() == ["[{'one': 1}]", needed]


def notebook(tmp_path: Path, *cells: str) -> list[str]:
    """What the cells of a notebook show, in a kernel of its own."""
    sources = [nbformat.v4.new_code_cell(cell) for cell in cells]
    book = nbformat.v4.new_notebook(cells=sources)
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(book, timeout=60, kernel_name="python3", resources=resources).execute()
    return [json.dumps(cell.outputs) for cell in book.cells]


def test_in_a_notebook(tmp_path: Path) -> None:
    absent = "import sys, importlib.util; found = importlib.util.find_spec; importlib.util.find_spec = lambda name, *more: None if name == 'tqdm' else found(name, *more)"
    _, slow, quick, unwanted, missing = notebook(
        tmp_path,
        "import helios; client = helios.connect('data')",
        f"client.query({SLOW.replace('8', '12')!r}).rows()",
        "client.query('SELECT 1 AS one').rows()",
        f"client.query({SLOW.replace('8', '12')!r}, progress_bar=False).rows()",
        f"{absent}; client.query({SLOW.replace('8', '12')!r}).rows()",
    )
    assert "Query:" in slow
    assert "widget-view" in slow
    for others in (quick, unwanted, missing):
        assert "Query:" not in others
    for rows in (slow, unwanted, missing):
        assert "[{'s': 0}]" in rows
    assert "stderr" not in slow + quick + unwanted + missing


def test_another_shell_of_ipython_is_no_notebook(run: Run) -> None:
    process = run(
        "import ipykernel.zmqshell, helios\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "InteractiveShell.instance()\n"
        f"helios.connect('data').query({SLOW!r})"
    )
    # There tqdm would take it for one.
    assert process.stdout == process.stderr == ""
