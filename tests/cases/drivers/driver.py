"""The cases of all faces, through the Python package: `python driver.py sync` or `python driver.py async`.

A request on standard input is a line `operation text_length options_length`, then the text (SQL, or a stream) and the
options as JSON. The reply on standard output is a line `ok length` or `error length`, then the answer in the JSON of the
HTTP interface, or the error as that shows it.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import sys
from decimal import Decimal
from typing import Any, BinaryIO

import wire

import helios

AnyClient = helios.Client | helios.AsyncClient

# The options of the HTTP interface, as the arguments of the methods.
ARGUMENTS = {
    "parameters": "parameters",
    "database": "database",
    "readOnly": "read_only",
    "maxExecutionSeconds": "max_execution_time",
    "maxResultRows": "max_result_rows",
    "maxResultBytes": "max_result_bytes",
    "maxMemoryUsage": "max_memory_usage",
    "accessKey": "access_key",
    "secretKey": "secret_key",
    "sessionToken": "session_token",
    "region": "region",
    "roleArn": "role_arn",
    "externalId": "external_id",
    "profile": "profile",
    "maxEvents": "max_events",
    "position": "position",
    "timeLimitSeconds": "time_limit",
    "streamName": "stream",
    "tableName": "table",
    "schema": "schema",
    "databaseName": "database",
    "orderBy": "order_by",
    "partitionBy": "partition_by",
    "startPosition": "start_position",
    "createDatabase": "create_database",
    "delivery": "delivery",
    "unknownFields": "unknown_fields",
    "missingFields": "missing_fields",
    "untilCaughtUp": "until_caught_up",
    "shard": "shard",
    "outcome": "outcome",
    "errorType": "error_type",
    "path": "path",
    "sequenceNumber": "sequence_number",
    "since": "since",
    "until": "until",
    "limit": "limit",
    "offset": "offset",
    "dryRun": "dry_run",
    "days": "days",
}


class Face:
    """One of the two clients. What it returns is awaited if it has to be."""

    def __init__(self, kind: str) -> None:
        self.connect: Any = {"sync": helios.connect, "async": helios.connect_async}[kind]
        self.client: Any = None

    async def call(self, operation: str, text: str, options: dict[str, Any]) -> str:
        """The answer to one request, as JSON."""
        if self.client is None:
            self.client = await awaited(self.connect())
        arguments = {ARGUMENTS.get(name, name): value for name, value in options.items()}
        if operation == "authenticate" and arguments:
            # The main client stays who it is.
            client = await awaited(self.connect())
            try:
                answer = await awaited(client.authenticate(**arguments))
            finally:
                await awaited(client.close())
        elif operation in ("query", "kinesis_sample"):
            answer = await awaited(getattr(self.client, operation)(text, **arguments))
        else:
            if operation == "consume":
                arguments["on_progress"] = lambda progress: progress.records
            answer = await awaited(getattr(self.client, operation)(**arguments))
        return as_json(answer)


async def awaited(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


def as_json(answer: Any) -> str:
    if isinstance(answer, helios.QueryResult):
        return wire.result(answer)
    if isinstance(answer, list):
        return json.dumps([item.to_dict() for item in answer])
    return json.dumps(answer if isinstance(answer, dict) else answer.to_dict())


def error_as_json(error: helios.HeliosError | TypeError) -> str:
    if isinstance(error, TypeError):
        # How Python says that an argument is malformed.
        return json.dumps({"code": "invalid_input", "error": str(error), "retryable": False})
    shown: dict[str, Any] = {"code": error.kind, "error": str(error), "retryable": error.retryable}
    if error.server_code is not None:
        shown["serverCode"] = error.server_code
    if error.aws_code is not None:
        shown["awsCode"] = error.aws_code
    return json.dumps(shown)


async def serve(face: Face, requests: BinaryIO, replies: BinaryIO) -> None:
    while head := requests.readline():
        operation, text_length, options_length = head.decode().split()
        text = requests.read(int(text_length)).decode()
        options = requests.read(int(options_length))
        try:
            # Decimals keep the digits of the numbers that are parameters.
            given = json.loads(options, parse_float=Decimal) if options else {}
            for name in ("maxExecutionSeconds", "timeLimitSeconds"):
                if isinstance(given.get(name), Decimal):
                    given[name] = float(given[name])
            verdict, answer = "ok", await face.call(operation, text, given)
        except (helios.HeliosError, TypeError) as error:
            verdict, answer = "error", error_as_json(error)
        body = answer.encode()
        replies.write(b"%s %d\n%s" % (verdict.encode(), len(body), body))
        replies.flush()


if __name__ == "__main__":
    asyncio.run(serve(Face(sys.argv[1]), sys.stdin.buffer, sys.stdout.buffer))
