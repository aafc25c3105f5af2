"""Sources: streams that fill tables."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

_DAY = "%m-%d-%Y"


@dataclass(frozen=True)
class Source:
    """A stream that fills a table."""

    stream_name: str
    """The stream's name."""
    stream_type: str
    """``"kinesis"``"""
    table_name: str
    """The table's name, without its database."""
    created_on: dt.date
    """The day of creation, in UTC."""
    database_name: str
    """The table's database."""
    stream_arn: str
    """The stream's ARN."""
    table_uuid: str
    """The table's UUID."""

    def to_dict(self) -> dict[str, Any]:
        """``{"streamName": …, "streamType": "kinesis", "tableName": …, "createdOn": "MM-DD-YYYY", …}``"""
        return {
            "streamName": self.stream_name,
            "streamType": self.stream_type,
            "tableName": self.table_name,
            "createdOn": self.created_on.strftime(_DAY),
            "databaseName": self.database_name,
            "streamARN": self.stream_arn,
            "tableUUID": self.table_uuid,
        }


def read(answer: str) -> list[Source]:
    """The answer to ``sources``."""
    return [
        Source(
            stream_name=fields["streamName"],
            stream_type=fields["streamType"],
            table_name=fields["tableName"],
            created_on=dt.datetime.strptime(fields["createdOn"], _DAY).date(),
            database_name=fields["databaseName"],
            stream_arn=fields["streamARN"],
            table_uuid=fields["tableUUID"],
        )
        for fields in json.loads(answer)
    ]
