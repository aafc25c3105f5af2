"""A result's Python values as the JSON of the HTTP interface."""

from __future__ import annotations

import datetime as dt
import json
import math
import struct
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import helios


def result(answer: helios.QueryResult) -> str:
    """The whole answer: data and metadata."""
    types = {column.name: column.type for column in answer.columns}
    rows = (members((text(name), value(item, types[name])) for name, item in row.items()) for row in answer)
    metadata = {
        "query": answer.query,
        "row_count": len(answer),
        "column_names": [column.name for column in answer.columns],
        "column_types": [column.type for column in answer.columns],
    }
    return f'{{"data":[{",".join(rows)}],"metadata":{json.dumps(metadata)}}}'


def value(item: Any, data_type: str) -> str:
    """One value. Its type says what it does not tell itself: how many digits a time has, how wide a float is."""
    name, arguments = taken_apart(data_type)
    if name in ("Nullable", "LowCardinality"):
        return value(item, arguments[0])
    if name == "Variant":
        return value(item, next((other for other in arguments if fits(item, other)), ""))
    if item is None:
        return "null"
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, int):
        return str(item)
    if isinstance(item, float):
        return number(item, narrow=name in ("Float32", "BFloat16"))
    if isinstance(item, Decimal):
        # ClickHouse leaves out zeros at the end.
        digits = format(item, "f")
        return digits.rstrip("0").rstrip(".") if "." in digits else digits
    if isinstance(item, (dict, list, tuple)):
        return nested(item, name, arguments)
    return text(plain(item, name, arguments))


def nested(item: Any, name: str, arguments: list[str]) -> str:
    if isinstance(item, list):
        element = f"Tuple({', '.join(arguments)})" if name == "Nested" else arguments[0] if arguments else ""
        return f"[{','.join(value(part, element) for part in item)}]"
    if isinstance(item, tuple):
        types = arguments or ["Float64"] * len(item)
        return f"[{','.join(value(part, types[index]) for index, part in enumerate(item))}]"
    if name == "Map":
        entries = ((value(key, arguments[0]), value(part, arguments[1])) for key, part in item.items())
        return members((key if key.startswith('"') else text(key), part) for key, part in entries)
    if name == "Tuple":
        types = [
            argument.removeprefix(written(key, argument)).strip() for key, argument in zip(item, arguments, strict=True)
        ]
        return members((text(key), value(part, types[index])) for index, (key, part) in enumerate(item.items()))
    return json.dumps(item)


def written(name: str, element: str) -> str:
    """The name of a tuple's element as its type has it."""
    return name if element.startswith(name) else element[: element.index("`", 1) + 1]


def plain(item: Any, name: str, arguments: list[str]) -> str:
    if isinstance(item, dt.datetime):
        precision = int(arguments[0]) if name == "DateTime64" else 0
        return (
            item.astimezone(dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S") + fraction(item.microsecond, precision) + "Z"
        )
    if isinstance(item, dt.date):
        return item.isoformat()
    if isinstance(item, dt.timedelta):
        precision = int(arguments[0]) if name == "Time64" else 0
        seconds, rest = divmod(abs(item), dt.timedelta(seconds=1))
        sign = "-" if item < dt.timedelta() else ""
        clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        return sign + clock + fraction(rest.microseconds, precision)
    return str(item)


def fraction(microseconds: int, precision: int) -> str:
    return "." + f"{microseconds:06}000"[:precision] if precision else ""


def number(item: float, *, narrow: bool) -> str:
    """The shortest text that reads as this number."""
    if not math.isfinite(item):
        return "null"
    shortest = repr(item)
    if narrow:
        candidates = (f"{item:.{digits}g}" for digits in range(1, 10))
        shortest = next(text for text in candidates if struct.pack("f", float(text)) == struct.pack("f", item))
    return shortest.removesuffix(".0")


def fits(item: Any, data_type: str) -> bool:
    """Whether a variant's value is of this one of its types, as far as its text depends on it."""
    name, _ = taken_apart(data_type)
    kinds: dict[str, tuple[type, ...]] = {
        "Array": (list,),
        "Date": (dt.date,),
        "DateTime": (dt.datetime,),
        "DateTime64": (dt.datetime,),
        "Float32": (float,),
        "Float64": (float,),
        "Map": (dict,),
        "Tuple": (dict, tuple),
    }
    return isinstance(item, kinds.get(name, ()))


def taken_apart(data_type: str) -> tuple[str, list[str]]:
    """`Map(String, Array(UInt8))` as `Map` and its arguments."""
    name, bracket, rest = data_type.partition("(")
    return name, list(parts(rest.removesuffix(")"))) if bracket else []


def parts(arguments: str) -> Iterator[str]:
    """Splits at the commas that stand outside of brackets and quotes."""
    depth, start, quote, escaped = 0, 0, "", False
    for index, character in enumerate(arguments):
        if escaped:
            escaped = False
        elif quote:
            escaped = character == "\\"
            quote = "" if character == quote else quote
        elif character in "'`\"":
            quote = character
        elif character in "()":
            depth += 1 if character == "(" else -1
        elif character == "," and depth == 0:
            yield arguments[start:index].strip()
            start = index + 1
    yield arguments[start:].strip()


def members(pairs: Any) -> str:
    return "{" + ",".join(f"{name}:{item}" for name, item in pairs) + "}"


def text(content: str) -> str:
    return json.dumps(content)
