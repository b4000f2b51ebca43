"""Listens to the statements that the service issues for one request.

Postgres logs them with the values they are given. Two requests of an operation are listened to, so that what
differs between them is known.
"""

from __future__ import annotations

import http.client
import re
import time
from dataclasses import dataclass

from bench import service
from bench.operations import Operation, Sample, World

_MARK = "bench mark"
_VALUE = re.compile(r"\$\d+ = (NULL|'(?:[^']|'')*')")


class NotReplayable(Exception):
    """Why what was heard can't be issued again."""


@dataclass(frozen=True)
class Statement:
    """One statement and its values as text; None is NULL."""

    sql: str
    values: list[str | None]


@dataclass(frozen=True)
class Heard:
    """What one request led to."""

    sample: Sample
    statements: list[Statement]


def listen(world: World, operation: Operation) -> tuple[Heard, Heard]:
    """Sends two requests of the operation and tells what each led to."""
    # The first ones see to it that every connection has its statements prepared and the key is known.
    samples = [operation.sample(world, number) for number in range(12)]
    since = world.postgres.log.stat().st_size
    world.postgres.set("log_statement", "all")
    connection = http.client.HTTPConnection("127.0.0.1", world.service.port, timeout=30)
    try:
        for number, sample in enumerate(samples):
            if number >= 10:
                world.postgres.run(world.database, f"select '{_MARK}';")
            headers = {**sample.headers}
            if sample.method == "POST":
                headers["Idempotency-Key"] = f"sample-{time.time_ns()}"
            answer = service.ask(connection, sample.method, sample.path,
                                 operation.key(world.keys), sample.body, headers)
            if answer.status != operation.expected:
                raise NotReplayable(f"{sample.path}: {answer.status} {answer.body}")
        world.postgres.run(world.database, f"select '{_MARK}';")
    finally:
        connection.close()
        world.postgres.set("log_statement", "none")
    time.sleep(0.5)
    first, second = _between_marks(world, since)
    if [statement.sql for statement in first] != [statement.sql for statement in second]:
        raise NotReplayable("two requests led to different statements")
    if not first:
        raise NotReplayable("no statement was issued")
    return Heard(samples[10], first), Heard(samples[11], second)


def _between_marks(world: World, since: int) -> tuple[list[Statement], list[Statement]]:
    parts: list[list[Statement]] = [[]]
    for entry in world.postgres.log_entries(since):
        message = str(entry.get("message", ""))
        if _MARK in message:
            parts.append([])
        elif entry.get("application_name") == "engagement-desk":
            statement = _statement(message, str(entry.get("detail", "")))
            if statement is not None:
                parts[-1].append(statement)
    if len(parts) != 4:
        raise NotReplayable("the log is not complete")
    return parts[1], parts[2]


def _statement(message: str, detail: str) -> Statement | None:
    head, found, sql = message.partition(": ")
    is_statement = head == "statement" or head.startswith("execute ")
    # Types are looked up once for a connection, and keys at intervals, whatever is asked for.
    if not found or not is_statement or "pg_catalog." in sql or '"api_keys"' in sql:
        return None
    values = [None if value == "NULL" else value[1:-1].replace("''", "'")
              for value in _VALUE.findall(detail)]
    return Statement(sql.strip().rstrip(";"), values)
