"""An AWS account in the emulator."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from typing import Any

import boto3

REGION = "eu-west-1"
# PutRecords takes so many records at once.
BATCH_RECORDS = 500


class Account:
    """An AWS account that nobody has used before: its streams and tables are nobody else's."""

    def __init__(self, endpoint: str) -> None:
        self.id = f"{uuid.uuid4().int % 999_999_999_999 + 1:012}"
        # The emulator takes a key of twelve digits for the account's root.
        self.settings = {
            "aws_region": REGION,
            "aws_endpoint_url": endpoint,
            "aws_access_key_id": self.id,
            "aws_secret_access_key": "root",
        }
        """For `helios.connect`."""
        self.kinesis: Any = boto3.client(
            "kinesis",
            region_name=REGION,
            endpoint_url=endpoint,
            aws_access_key_id=self.id,
            aws_secret_access_key="root",
        )

    def create_stream(self, name: str, *events: object, shards: int = 1) -> str:
        """Create a stream with events in it, and return its ARN."""
        self.kinesis.create_stream(StreamName=name, ShardCount=shards)
        self.kinesis.get_waiter("stream_exists").wait(StreamName=name)
        self.put_events(name, events)
        arn: str = self.kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
        return arn

    def put_events(self, stream: str, events: Iterable[object]) -> None:
        """Put events in order, each as JSON; a `str` as it is. Those of a stream of several shards are spread over them."""
        records = [
            {
                "Data": event if isinstance(event, str) else json.dumps(event),
                "PartitionKey": f"{number}",
            }
            for number, event in enumerate(events)
        ]
        for start in range(0, len(records), BATCH_RECORDS):
            batch = records[start : start + BATCH_RECORDS]
            answer = self.kinesis.put_records(StreamName=stream, Records=batch)
            assert answer["FailedRecordCount"] == 0, answer

    def close(self) -> None:
        """Let go of its connections."""
        self.kinesis.close()
