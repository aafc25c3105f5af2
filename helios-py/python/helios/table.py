"""Tables that streams fill."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ._checks import flag, json_text, optional_text, present, text, texts
from .column import SchemaLike, columns
from .sample import Position, position_text


@dataclass(frozen=True)
class TableCreated:
    """What was created."""

    success: bool
    """``True``: what fails is an exception."""
    create_table_query: str
    """The table's statement."""
    message: str
    """What was done, for a person."""
    table_uuid: str
    """The table's UUID."""
    stream_arn: str
    """The stream's ARN."""

    def to_dict(self) -> dict[str, Any]:
        """``{"success": true, "createTableQuery": …, "message": …, "tableUUID": …, "streamARN": …}``"""
        return {
            "success": self.success,
            "createTableQuery": self.create_table_query,
            "message": self.message,
            "tableUUID": self.table_uuid,
            "streamARN": self.stream_arn,
        }


def read(answer: str) -> TableCreated:
    """The answer to ``create_table``."""
    fields = json.loads(answer)
    return TableCreated(
        success=fields["success"],
        create_table_query=fields["createTableQuery"],
        message=fields["message"],
        table_uuid=fields["tableUUID"],
        stream_arn=fields["streamARN"],
    )


def spec(
    stream: str,
    table: str,
    schema: SchemaLike,
    *,
    database: str,
    order_by: Iterable[str],
    partition_by: str | None,
    start_position: Position,
    create_database: bool,
    delivery: str,
    unknown_fields: str,
    missing_fields: str,
) -> str:
    """What to create, as JSON."""
    given = present(
        streamName=text("stream", stream),
        tableName=text("table", table),
        databaseName=text("database", database),
        schema=[column.to_dict() for column in columns(schema)],
        orderBy=texts("order_by", order_by),
        partitionBy=optional_text("partition_by", partition_by),
        startPosition=position_text("start_position", start_position),
        createDatabase=flag("create_database", create_database),
        delivery=text("delivery", delivery),
        unknownFields=text("unknown_fields", unknown_fields),
        missingFields=text("missing_fields", missing_fields),
    )
    return json_text("schema", given)
