"""The two limits of the same run: Postgres with the same statements, and actix-web with the same payloads."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import capture, load, measure, payloads, replay
from bench.capture import NotReplayable
from bench.load import Load
from bench.operations import Operation, World
from bench.payloads import Language
from bench.postgres import PROGRAMS
from bench.replay import Script
from bench.service import free_port
from bench.tools import TOP

CLIENTS = 8
"""As many connections as the service has to Postgres, and at most so many in pgbench."""


@dataclass(frozen=True)
class PostgresLimit:
    """What pgbench found, or why it found nothing."""

    operation: str
    rows: int
    clients: int
    statements: int
    rate: float
    postgres_us: float
    trouble: str


def postgres_limits(world: World, operation: Operation, clients: list[int], seconds: float,
                    rate_before: float) -> list[PostgresLimit]:
    """Replays the statements of the operation."""
    try:
        heard = capture.listen(world, operation)
        return [_replay(world, operation, heard, count, seconds, rate_before) for count in clients]
    except NotReplayable as trouble:
        return [PostgresLimit(operation.name, world.rows, count, 0, 0, 0, str(trouble))
                for count in clients]


def _replay(world: World, operation: Operation, heard: tuple[capture.Heard, capture.Heard],
            clients: int, seconds: float, rate_before: float) -> PostgresLimit:
    variables = {"i": "0"}
    if operation.uses_up:
        size = measure.pool_size(rate_before, seconds)
        first, _ = measure.fresh_pool(world, size)
        number = f"\\set i :i + 1\n\\set n {first} + :i * {clients} + :client_id"
    else:
        number = f"\\set n random(1, {world.rows})"
    script = replay.script(world.postgres, world.database, heard, number)
    path = world.folder / f"{operation.name}.sql"
    path.write_text(script.text, encoding="utf-8")
    before = world.postgres.cpu_seconds()
    rate, count, trouble = _pgbench(world, path, Script(script.text, {**script.variables, **variables}),
                                    clients, seconds)
    # What a backend has used is known when it has ended.
    time.sleep(0.5)
    used = (world.postgres.cpu_seconds() - before) * 1_000_000 / max(count, 1)
    return PostgresLimit(operation.name, world.rows, clients, len(heard[0].statements), rate, used,
                         trouble)


def _settings(name: str) -> list[str]:
    """What the service sets on connections of its own, read from where it does."""
    source = (TOP / "src" / "store" / "connection.rs").read_text(encoding="utf-8")
    constant = re.search(rf'const {name}: &str = "([^"]+)"', source)
    if constant is None:
        raise RuntimeError(f"connection.rs has no {name} any more")
    return re.findall(r"-c (\w+=\w+)", constant.group(1))


def _pgbench(world: World, path: Path, script: Script, clients: int,
             seconds: float) -> tuple[float, int, str]:
    """Transactions in a second, how many, and what went wrong."""
    defined = [f"--define={name}={value}" for name, value in script.variables.items()]
    settings = _settings("SESSION")
    # Statements over arrays are planned once.
    if "given.place" in script.text:
        settings += _settings("PLANNED_ONCE")
    done = subprocess.run(
        [PROGRAMS / "pgbench", "--protocol=prepared", "--no-vacuum", f"--file={path}",
         f"--client={clients}", "--jobs=1", f"--time={round(seconds)}", *defined,
         *world.postgres.arguments(world.database)],
        capture_output=True, text=True, check=False,
        env={**os.environ, "PGOPTIONS": " ".join(f"-c {setting}" for setting in settings)},
    )
    rate = re.search(r"^tps = ([\d.]+)", done.stdout, re.M)
    count = re.search(r"actually processed: (\d+)", done.stdout)
    errors = [line for line in done.stderr.splitlines() if "error" in line]
    trouble = f"{len(errors)} errors, the first: {errors[0][:200]}" if errors else ""
    return (float(rate.group(1)) if rate else 0.0, int(count.group(1)) if count else 0, trouble)


@dataclass(frozen=True)
class Bare:
    """actix-web alone, which knows no rows."""

    url: str
    folder: Path

    def load(self, route: str, connections: int, seconds: float) -> Load:
        """What it gives with a payload."""
        body = self.folder / "bare.targets"
        is_write = route == "/write"
        body.write_text(payloads.create_bodies(Language(), 1)[0] + "\n" if is_write else "", encoding="utf-8")
        arguments = [str(body), "", "", str(load.threads_for(connections))]
        return load.run(self.url + route, "plain.lua", arguments, connections, seconds)


@contextmanager
def bare(binary: Path, folder: Path) -> Iterator[Bare]:
    """Stands by for the whole run, so that it can be measured right after what it is compared with."""
    port = free_port()
    process = subprocess.Popen([binary, str(port), "2"])
    try:
        _wait_for(port)
        yield Bare(f"http://127.0.0.1:{port}", folder)
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port: int) -> None:
    for _ in range(500):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise RuntimeError("the bare server does not answer")
