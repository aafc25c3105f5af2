"""Answers as Python values, and back in the shape of the HTTP interface."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pytest

import helios
from helios import authentication, sample, source, table

AUTHENTICATION = {
    "authenticated": True,
    "streamNames": ["clicks", "orders"],
    "account": "123456789012",
    "arn": "arn:aws:iam::123456789012:user/ann",
}
SAMPLE = {
    "sampleEvent": {"id": 18446744073709551615, "name": "Köln", "price": 0.1, "nested": {"a": [None, True]}},
    "inferredSchema": [{"name": "id", "type": "UInt64"}, {"name": "name", "type": "Nullable(String)"}],
    "orderBy": ["id"],
    "partitionBy": None,
    "eventsRead": 100,
    "unreadable": 1,
    "evidence": [
        {"name": "id", "present": 99, "null": 0, "absent": 0, "kinds": {"integer": 99}, "examples": ["1"], "why": "w"}
    ],
    "notes": ["a note"],
}
CREATED = {
    "success": True,
    "createTableQuery": "CREATE TABLE …",
    "message": "Table default.clicks created",
    "tableUUID": "28521d01-6221-4f6c-942f-683011282bcb",
    "streamARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/clicks",
}
SOURCE = {
    "streamName": "clicks",
    "streamType": "kinesis",
    "tableName": "clicks",
    "createdOn": "01-31-2026",
    "databaseName": "default",
    "streamARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/clicks",
    "tableUUID": "28521d01-6221-4f6c-942f-683011282bcb",
}


@pytest.mark.parametrize(
    ("read", "answer"),
    [
        (authentication.read, AUTHENTICATION),
        (sample.read, SAMPLE),
        (
            sample.read,
            {**SAMPLE, "sampleEvent": None, "inferredSchema": [], "evidence": [], "partitionBy": "toDate(t)"},
        ),
        (table.read, CREATED),
        (lambda text: source.read(f"[{text}]")[0], SOURCE),
    ],
)
def test_an_answer_keeps_its_shape(read: Callable[[str], Any], answer: dict[str, Any]) -> None:
    value = read(json.dumps(answer))
    assert value.to_dict() == answer
    assert list(value.to_dict()) == list(answer)
    field = dataclasses.fields(value)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, field, None)


def test_an_answer_as_python_values() -> None:
    value = sample.read(json.dumps(SAMPLE))
    assert value.inferred_schema == [helios.Column("id", "UInt64"), helios.Column("name", "Nullable(String)")]
    assert value.evidence[0].why == "w"
    assert source.read(json.dumps([SOURCE]))[0].created_on == dt.date(2026, 1, 31)
