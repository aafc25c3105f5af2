"""Answers and results as HTML, for notebooks.

Nothing but tables, without colours and scripts of their own, so that they look as the notebook's other tables do. Every text is
escaped.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from . import _helios

# How much of what is long is shown.
MAX_ROWS = 20
MAX_CHARACTERS = 200


class Html:
    """A piece of HTML."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"Html({self.text!r})"


def value(of: object) -> Html:
    """A value in a table: ``NULL`` can be told from a text, and what is long is cut."""
    if isinstance(of, Html):
        return of
    if of is None:
        return Html("<i>NULL</i>")
    if isinstance(of, str):
        return Html(_cut(of))
    if isinstance(of, bool):
        return Html("true" if of else "false")
    if isinstance(of, dt.datetime):
        return Html(escape(of.isoformat(sep=" ")))
    if isinstance(of, (dict, list, tuple)):
        return Html(_cut(_nested(of)))
    return Html(_cut(_plain(of)))


def _nested(of: object) -> str:
    try:
        return json.dumps(of, default=str, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        # What JSON has not, such as a date as a key.
        return _plain(of)


def _plain(of: object) -> str:
    try:
        return str(of)
    except (ValueError, RecursionError):
        # Python does not write an integer of any size, nor what is nested without end.
        return f"{of:#x}" if isinstance(of, int) else f"<{type(of).__name__}>"


def _cut(text: str) -> str:
    cut = text if len(text) <= MAX_CHARACTERS else text[:MAX_CHARACTERS] + "…"
    # Half a surrogate pair, which a notebook cannot be sent, as its escape.
    return escape(cut.encode(errors="backslashreplace").decode())


def table(head: Iterable[object], rows: Iterable[Iterable[object]]) -> Html:
    """A table with a line of headings."""
    headings = "".join(f"<th>{value(name).text}</th>" for name in head)
    return Html(f"<table><thead><tr>{headings}</tr></thead><tbody>{''.join(map(_row, rows))}</tbody></table>")


def fields(of: Mapping[str, object]) -> Html:
    """A table of names and values."""
    rows = (
        f'<tr><th style="text-align: left">{escape(name)}</th><td style="text-align: left">{value(field).text}</td></tr>'
        for name, field in of.items()
    )
    return Html(f"<table><tbody>{''.join(rows)}</tbody></table>")


def statement(sql: str) -> Html:
    """SQL, in its lines."""
    return Html(f'<pre style="text-align: left">{escape(sql)}</pre>')


def rest(shown: int, total: int, what: str) -> str:
    """How many are not shown."""
    return f"<p>… {total - shown} more {escape(what)}</p>" if total > shown else ""


def records(of: Sequence[Mapping[str, object]], what: str) -> Html:
    """A table of what has the same fields, its beginning if there are many."""
    if not of:
        return Html(f"<p>no {escape(what)}</p>")
    shown = of[:MAX_ROWS]
    return Html(table(of[0], (record.values() for record in shown)).text + rest(len(shown), len(of), what))


def head(batch: _helios.QueryBatch, columns: int, rows: int) -> list[tuple[Any, ...]]:
    """The first rows of a batch. Columns may have the same name."""
    first = batch.head(rows)
    return list(zip(*(first.column(index) for index in range(columns)), strict=True))


def rows(columns: Sequence[Any], of: Sequence[Sequence[object]], total: int) -> str:
    """Rows of a result: names, below them ClickHouse's types, and how many rows are not shown."""
    head = [Html(f"{value(column.name).text}<br><small>{escape(column.type)}</small>") for column in columns]
    return table(head, of).text + rest(len(of), total, "rows")


def _row(values: Iterable[object]) -> str:
    return f"<tr>{''.join(f'<td>{value(of).text}</td>' for of in values)}</tr>"
