"""The cases of all faces, through the Python package: `python driver.py sync` or `python driver.py async`.

A request on standard input is a line `operation text_length options_length`, then the text (SQL, or a stream) and the
options as JSON. The reply on standard output is a line `ok length` or `error length`, then the answer in the JSON of the
HTTP interface, or the error as that shows it.
"""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import json
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any, BinaryIO

import wire

import helios

AnyClient = helios.Helios | helios.AsyncHelios

# The options of the HTTP interface, as the arguments of the methods.
ARGUMENTS = {
    "parameters": "parameters",
    "database": "database",
    "readOnly": "read_only",
    "maxExecutionSeconds": "max_execution_time",
    "maxResultRows": "max_result_rows",
    "maxResultBytes": "max_result_bytes",
    "maxMemoryUsage": "max_memory_usage",
    "quote64BitIntegers": "quote_64bit_integers",
    "times": "times",
    "wideIntegers": "wide_integers",
    "queryId": "query_id",
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
    "inference": "inference",
    "streamName": "stream",
    "tableName": "table",
    "schema": "schema",
    "databaseName": "database",
    "orderBy": "order_by",
    "partitionBy": "partition_by",
    "ttl": "ttl",
    "engine": "engine",
    "onCluster": "on_cluster",
    "provenance": "provenance",
    "existingTable": "existing_table",
    "addBatchColumn": "add_batch_column",
    "batchSize": "batch_size",
    "batchingWindowSeconds": "batching_window_seconds",
    "onFailure": "on_failure",
    "source": "source",
    "startPosition": "start_position",
    "createDatabase": "create_database",
    "delivery": "delivery",
    "unknownFields": "unknown_fields",
    "missingFields": "missing_fields",
    "untilCaughtUp": "until_caught_up",
    "countRows": "count_rows",
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
    "events": "events",
    "partitionKey": "partition_key",
    "days": "days",
}

# What only one of the two forms of a result has.
OF_JSON = ("times", "quote_64bit_integers")
OF_ARROW = ("wide_integers",)

# The operations `query_csv` and so on answer with the bytes of a result, in hexadecimal digits.
FORMATS = ("json", "ndjson", "csv", "arrow", "parquet")

# How a statement begins that can be run twice.
READS = ("SELECT", "SHOW", "EXISTS", "SELEC ")


def named(options: dict[str, Any]) -> dict[str, Any]:
    """Options under the names of their arguments."""
    return {ARGUMENTS.get(name, name): value for name, value in options.items()}


class Face:
    """One of the two clients. What it returns is awaited if it has to be."""

    def __init__(self, kind: str) -> None:
        self.connect: Any = {"sync": helios.connect, "async": helios.connect_async}[kind]
        self.client: Any = None

    async def call(self, operation: str, text: str, options: dict[str, Any]) -> str:
        """The answer to one request, as JSON."""
        if self.client is None:
            self.client = await awaited(self.connect())
        sampling = named(options.pop("sample", {}))
        arguments = named(options)
        if operation == "consume":
            # By itself it goes on in the background.
            arguments.setdefault("until_caught_up", True)
        if operation == "plan":
            arguments["sample"] = sampling or None
        else:
            # In Python the options of a sample stand beside the others.
            arguments |= sampling
        if operation == "authenticate" and arguments:
            # The main client stays who it is.
            client = await awaited(self.connect())
            try:
                answer = await awaited(client.authenticate(**arguments))
            finally:
                await awaited(client.close())
        elif operation == "query":
            return await self.query(text, arguments)
        elif operation == "kinesis_sample":
            arguments["on_progress"] = lambda progress: progress.shards > 0
            answer = await awaited(self.client.sample(text, **arguments))
        elif operation.removeprefix("query_") in FORMATS:
            chunks = await awaited(self.client.query_bytes(text, format=operation.removeprefix("query_"), **arguments))
            return json.dumps((await joined(chunks)).hex())
        elif operation == "cancel_query":
            answer = {**options, "found": await awaited(self.client.cancel_query(**arguments))}
        else:
            if operation in ("consume", "put_events"):
                arguments["on_progress"] = lambda progress: True
            # `engine` is the embedded one only.
            method = "engine_info" if operation == "engine" else operation
            answer = await awaited(getattr(self.client, method)(**arguments))
            if operation == "consume":
                answer = await awaited(answer.wait())
        return as_json(answer)

    async def query(self, sql: str, arguments: dict[str, Any]) -> str:
        """A result as the package's JSON, and as its Arrow: what only reads is asked for both, which have to agree."""
        of_json = {name: value for name, value in arguments.items() if name not in OF_ARROW}
        of_arrow = {name: value for name, value in arguments.items() if name not in OF_JSON}
        if len(of_arrow) < len(arguments):
            # Arrow has types for what the texts may look like.
            answer: bytes = await awaited(self.client.query_json(sql, **of_json))
            return answer.decode()
        if len(of_json) < len(arguments) or not sql.lstrip(" (\n").upper().startswith(READS):
            return wire.result(await awaited(self.client.query(sql, **of_arrow)))
        as_json = await outcome(lambda: self.client.query_json(sql, **of_json), bytes.decode)
        if isinstance(as_json, helios.QueryCancelledError):
            # It is not begun anew.
            raise as_json
        as_arrow = await outcome(lambda: self.client.query(sql, **of_arrow), wire.result)
        if compared(as_json) != compared(as_arrow):
            raise Disagreement(f"as JSON {as_json!r}, as Arrow {as_arrow!r}")
        if isinstance(as_json, Exception):
            raise as_json
        return as_json


async def outcome(call: Callable[[], Any], read: Callable[[Any], str]) -> str | helios.HeliosError | TypeError:
    """The answer to a call, or what it raises."""
    try:
        return read(await awaited(call()))
    except (helios.HeliosError, TypeError) as error:
        return error


def compared(outcome: str | helios.HeliosError | TypeError) -> Any:
    """What has to be the same whatever the form."""
    if isinstance(outcome, helios.HeliosError):
        return type(outcome), outcome.server_code, outcome.retryable, outcome.position
    if isinstance(outcome, TypeError):
        return TypeError
    # Numbers by their digits.
    return json.loads(outcome, parse_float=str, parse_int=str)


class Disagreement(Exception):
    """Two forms of one result are not the same."""


async def joined(chunks: helios.QueryBytes | helios.AsyncQueryBytes) -> bytes:
    """All bytes of a result."""
    if isinstance(chunks, helios.QueryBytes):
        return b"".join(chunks)
    return b"".join([chunk async for chunk in chunks])


async def awaited(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


def as_json(answer: Any) -> str:
    if answer is None:
        return "null"
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
    if error.server_error_name is not None:
        shown["serverErrorName"] = error.server_error_name
    if error.position is not None:
        shown["position"] = dataclasses.asdict(error.position)
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
        except Disagreement as difference:
            verdict, answer = "ok", json.dumps({"disagreement": str(difference)})
        body = answer.encode()
        replies.write(b"%s %d\n%s" % (verdict.encode(), len(body), body))
        replies.flush()


if __name__ == "__main__":
    asyncio.run(serve(Face(sys.argv[1]), sys.stdin.buffer, sys.stdout.buffer))
