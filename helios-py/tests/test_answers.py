"""Answers as Python values, and back in the shape of the HTTP interface."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pytest

import helios
from helios import _wire, authentication, sample, source

AUTHENTICATION = {
    "authenticated": True,
    "streamNames": ["clicks", "orders"],
    "account": "123456789012",
    "arn": "arn:aws:iam::123456789012:user/ann",
}
SAMPLE = {
    "sampleEvent": {"id": 18446744073709551615, "name": "Köln", "price": 0.1, "nested": {"a": [None, True]}},
    "inferredSchema": [{"name": "id", "type": "UInt64"}, {"name": "name", "type": "Nullable(String)"}],
    "samples": [
        {
            "shard": "shardId-000000000000",
            "sequenceNumber": "1",
            "subSequence": 0,
            "arrivedAt": "2026-01-31T12:00:00.125Z",
            "event": {"id": 1},
        },
        {
            "shard": "shardId-000000000000",
            "sequenceNumber": "2",
            "subSequence": 3,
            "arrivedAt": "2026-01-31T12:00:00Z",
            "event": None,
            "raw": "no JSON",
            "why": "w",
        },
    ],
    "columns": [
        {
            "name": "id",
            "type": "UInt64",
            "present": 99,
            "null": 0,
            "absent": 0,
            "kinds": {"integer": 99},
            "min": "1",
            "max": "1767225600",
            "distinct": 98,
            "examples": ["1"],
            "why": "w",
            "confidence": "medium",
            "suggestions": [{"type": "DateTime('UTC')", "why": "w"}],
        }
    ],
    "proposal": {"orderBy": ["id"], "partitionBy": None, "timeColumn": None, "why": ["`id` names what it is about."]},
    "createTableQuery": "CREATE TABLE `default`.`clicks` …",
    "eventsRead": 100,
    "unreadable": 1,
    "endedBy": "max_events",
    "notes": ["a note"],
}
CREATED = {
    "success": True,
    "createTableQuery": "CREATE TABLE …",
    "message": "Table default.clicks created",
    "tableUUID": "28521d01-6221-4f6c-942f-683011282bcb",
    "streamARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/clicks",
    "sourceId": "e3f5a2c4-8a3d-5d11-9c58-1f0c2d3e4f50",
    "warnings": ["a warning"],
}
CHECK = {"check": "kinesis:ListShards", "status": "missing", "detail": "a detail", "remedy": "a remedy"}
PLAN = {
    "possible": False,
    "obstacles": ["an obstacle"],
    "steps": [{"what": "table", "action": "create", "detail": "default.clicks"}],
    "createTableQuery": "CREATE TABLE …",
    "streamARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/clicks",
    "shards": 4,
    "batching": {"batchSize": 10000, "windowSeconds": 1},
    "deduplicationWindow": 14400,
    "sample": None,
    "permissions": [CHECK],
    "warnings": [],
}
DIAGNOSIS = {"healthy": False, "checks": [CHECK, {**CHECK, "status": "ok", "remedy": None}]}
REMOVED = {
    "id": "e3f5a2c4-8a3d-5d11-9c58-1f0c2d3e4f50",
    "streamARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/clicks",
    "databaseName": "default",
    "tableName": "clicks",
    "table": "keep",
    "triggerDeleted": True,
}
STEP = {"id": None, "table": "default.clicks", "what": "a word"}
REPAIR = {"done": [STEP], "left": [{**STEP, "id": "e3f5a2c4-8a3d-5d11-9c58-1f0c2d3e4f50"}]}
SOURCE = {
    "id": "e3f5a2c4-8a3d-5d11-9c58-1f0c2d3e4f50",
    "streamName": "clicks",
    "streamType": "kinesis",
    "tableName": "clicks",
    "createdOn": "01-31-2026",
    "databaseName": "default",
    "streamARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/clicks",
    "tableUUID": "28521d01-6221-4f6c-942f-683011282bcb",
    "state": "failing",
    "delivery": "function",
    "createdBy": "arn:aws:iam::123456789012:user/ann",
    "trigger": {
        "id": "0f0c2d3e-8a3d-4d11-9c58-1f0c2d3e4f50",
        "state": "Enabled",
        "lastResult": "OK",
        "batchSize": 10000,
        "windowSeconds": 1,
    },
    "delivered": {
        "received": 7,
        "inserted": 6,
        "quarantined": 1,
        "troubledShards": 1,
        "lastEventTime": "2026-01-31T12:00:00Z",
    },
    "problems": ["a problem"],
}
REJECT = {
    "errorType": "out_of_range",
    "errorMessage": "a message",
    "column": "id",
    "path": "$.id",
    "wanted": "UInt8",
    "value": "300",
    "rawData": '{"id":300}',
    "rawDataBase64": None,
    "insertionTimestamp": "2026-01-31T12:00:00.5Z",
    "stream": "arn",
    "shard": "shardId-000000000000",
    "sequenceNumber": "7",
    "subSequence": 0,
    "arrivedAt": None,
    "schemaVersion": "v",
}
SUMMARY = {
    "total": 1,
    "oldest": "2026-01-31T12:00:00.5Z",
    "newest": None,
    "groups": [
        {
            "errorType": "out_of_range",
            "path": "$.id",
            "column": None,
            "wanted": None,
            "events": 1,
            "oldest": "2026-01-31T12:00:00Z",
            "newest": "2026-01-31T12:00:00.000001Z",
            "example": REJECT,
        }
    ],
}
CONSUMED = {
    "streamName": "clicks",
    "streamARN": "arn",
    "ended": "caughtUp",
    "seconds": 1.5,
    "records": 1,
    "received": 1,
    "delivered": 1,
    "quarantined": 0,
    "duplicatesSkipped": 0,
    "shards": [
        {
            "shard": shard,
            "records": 1,
            "received": 1,
            "delivered": 1,
            "quarantined": 0,
            "duplicatesSkipped": 0,
            "to": "7",
            "ended": False,
            **error,
        }
        for shard, error in {"a": {}, "b": {"error": "why"}}.items()
    ],
}
REPORT = {
    "streamName": "clicks",
    "streamARN": "arn",
    "tableName": "clicks",
    "databaseName": "default",
    "tableUUID": "28521d01-6221-4f6c-942f-683011282bcb",
    "balanced": False,
    "received": 2,
    "inserted": 1,
    "quarantined": 0,
    "duplicates": 1,
    "abandoned": 0,
    "shards": [
        {
            "shard": "a",
            "state": "uncertain",
            "received": 2,
            "inserted": 1,
            "quarantined": 0,
            "duplicates": 1,
            "abandoned": 0,
            "from": "7.0",
            "to": "8.0",
            "lastEventTime": None,
            "lagSeconds": 0,
            "expiresInSeconds": None,
            "openRange": "9.0-9.1",
            "trouble": {"kind": "uncertain", "serverCode": None, "since": "2026-01-31T12:00:00Z"},
            "gaps": [{"after": "7.0", "before": "8.0", "since": "2026-01-31T12:00:00Z"}],
        }
    ],
    "quarantine": {"events": 0, "replayed": 0, "discarded": 0},
    "counted": None,
    "errors": ["the shard a is in doubt"],
    "warnings": [],
}
COUNTED = {"rows": 2, "expected": 1, "underWay": 1}


SAMPLE_REJECT = {
    "event": 1,
    "errorType": "out_of_range",
    "message": "column `id`: UInt8 cannot hold 256 unchanged",
    "column": "id",
    "path": "$.id",
    "wanted": "UInt8",
    "value": "256",
}
CHECKED = {
    "schema": [
        {"name": "id", "type": "UInt8"},
        {"name": "plan", "type": "String", "default": None, "field": "/user/plan"},
    ],
    "events": 2,
    "fitting": 1,
    "rejected": 1,
    "rejects": [SAMPLE_REJECT],
    "unknownFields": {"debug": 2},
    "createTableQuery": "CREATE TABLE …",
}
DRIFT = {
    "streamARN": None,
    "databaseName": "default",
    "tableName": "clicks",
    "events": 2,
    "fitting": 1,
    "rejected": 1,
    "rejects": [SAMPLE_REJECT],
    "newFields": [
        {
            "field": "/plan",
            "column": {"name": "plan", "type": "Nullable(String)"},
            "events": 1,
            "why": "strings",
            "examples": ['"pro"'],
        }
    ],
    "changed": [
        {
            "column": "id",
            "type": "UInt8",
            "events": 1,
            "errorType": "out_of_range",
            "message": "column `id`: UInt8 cannot hold 256 unchanged",
            "path": "$.id",
            "proposed": None,
            "why": "it is a key",
        }
    ],
    "unsent": ["gone"],
    "alter": "ALTER TABLE …",
}


@pytest.mark.parametrize(
    ("read", "answer"),
    [
        (authentication.read, AUTHENTICATION),
        (sample.read, SAMPLE),
        (
            sample.read,
            {
                **SAMPLE,
                "sampleEvent": None,
                "inferredSchema": [],
                "samples": [],
                "columns": [],
                "createTableQuery": None,
            },
        ),
        (lambda text: _wire.read(helios.SchemaCheck, text), CHECKED),
        (lambda text: _wire.read(helios.SchemaDrift, text), DRIFT),
        (lambda text: _wire.read(helios.TableCreated, text), CREATED),
        (lambda text: _wire.read(helios.CreatePlan, text), PLAN),
        (lambda text: _wire.read(helios.CreatePlan, text), {**PLAN, "sample": CHECKED}),
        (lambda text: _wire.read(helios.Diagnosis, text), DIAGNOSIS),
        (lambda text: _wire.read(helios.SourceRemoved, text), REMOVED),
        (lambda text: _wire.read(helios.Repair, text), REPAIR),
        (source.read, SOURCE),
        (source.read, {**SOURCE, "id": None, "createdOn": "", "tableUUID": None, "trigger": None, "delivered": None}),
        (lambda text: _wire.read(helios.QuarantineSummary, text), SUMMARY),
        (lambda text: _wire.read(helios.ConsumeReport, text), CONSUMED),
        (lambda text: _wire.read(helios.DeliveryReport, text), REPORT),
        (lambda text: _wire.read(helios.DeliveryReport, text), {**REPORT, "counted": COUNTED}),
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
    assert value.columns[0].suggestions[0].type == "DateTime('UTC')"
    assert value.samples[0].arrived_at == dt.datetime(2026, 1, 31, 12, 0, 0, 125000, tzinfo=dt.timezone.utc)
    assert value.proposal.order_by == ["id"]
    assert source.read(json.dumps(SOURCE)).created_on == dt.date(2026, 1, 31)
    report = _wire.read(helios.DeliveryReport, json.dumps({**REPORT, "counted": COUNTED}))
    assert report.counted == helios.RowCount(rows=2, expected=1, under_way=1)


def test_times_of_an_answer_have_a_zone_and_microseconds() -> None:
    answer = {**REJECT, "insertionTimestamp": "2026-01-31T12:00:00.123456789Z"}
    value = _wire.read(helios.StoredReject, json.dumps(answer))
    assert value.insertion_timestamp == dt.datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=dt.timezone.utc)


def test_a_report_that_is_not_balanced_fails_its_check() -> None:
    report = _wire.read(helios.DeliveryReport, json.dumps(REPORT))
    with pytest.raises(helios.ConflictError, match="the shard a is in doubt") as caught:
        report.check()
    assert caught.value.context == {"stream": "clicks", "table": "default.clicks"}
    _wire.read(helios.DeliveryReport, json.dumps({**REPORT, "balanced": True, "errors": []})).check()
