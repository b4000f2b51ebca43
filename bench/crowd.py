"""Loads that wrk can't make: more than the service has room for, and many dashboards."""

from __future__ import annotations

import json
import random
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import keys, payloads, turns
from bench.operations import World
from bench.payloads import PARTNERS, Language

DASHBOARDS = {"dashboards": 1_000, "requests_each": 20, "every_ms": 5_000}
STREAMS = 500
WRITES_A_SECOND = 50
VIEWERS = 100
"""One caller may have 20 streams, so the streams and dashboards are spread over many."""

FULL, FLOODED = 256, 768
"""Connections of which all are busy and none is refused, and three times as many."""


@dataclass(frozen=True)
class Flood:
    """What came of connections that ask again at once, whether they are answered or refused."""

    answered: float
    """In a second."""
    answered_p99_ms: float
    refused: float
    """In a second."""
    refused_p99_ms: float
    broken: int


@dataclass(frozen=True)
class Overload:
    """What an operation gives when more is asked than there is room for."""

    operation: str
    rows: int
    rounds: list[tuple[Flood, Flood]]
    """Flooded, and full."""


@dataclass(frozen=True)
class Dashboards:
    """What many dashboards, streams and writers together get."""

    rows: int
    seconds: float
    report: dict[str, Any]
    service_us_of_a_second: float
    postgres_us_of_a_second: float
    memory_mb: float


def _run(binary: Path, world: World, plan: dict[str, Any]) -> dict[str, Any]:
    path = world.folder / "plan.json"
    path.write_text(json.dumps({"address": f"127.0.0.1:{world.service.port}", **plan}), encoding="utf-8")
    return dict(json.loads(subprocess.check_output([binary, path])))


def _bodies(count: int) -> list[str]:
    chance, templates = random.Random(), payloads.create_bodies(Language(), 100)
    return [payloads.filled(chance.choice(templates), 4_000_000 + chance.randrange(PARTNERS),
                            chance.randrange(500_000_000, 999_999_999)) for _ in range(count)]


def _good(status: str) -> bool:
    return int(status) < 400


def overload(binary: Path, world: World, operation: str, seconds: int) -> Overload:
    """Floods one operation, and fills it, in turns."""
    return Overload(operation, world.rows, turns.in_turns(
        lambda: _flood(binary, world, operation, FLOODED, seconds),
        lambda: _flood(binary, world, operation, FULL, seconds)))


def _flood(binary: Path, world: World, operation: str, connections: int, seconds: int) -> Flood:
    run = f"flood-{time.time_ns()}"
    if operation == "create":
        flood = {"key": world.keys.requester, "paths": ["/v1/requests"], "bodies": _bodies(20_000)}
    else:
        flood = {"key": world.keys.admin, "paths": [f"/v1/requests/{one}" for one in world.ids(20_000)]}
    plan = {"seconds": seconds, "flood": {"connections": connections, "run": run, **flood}}
    found = _run(binary, world, plan)["flood"]

    def rate(of: list[dict[str, float]]) -> float:
        return sum(part["count"] for part in of) / seconds

    def slowest(of: list[dict[str, float]]) -> float:
        return max((part["p99_ms"] for part in of), default=0.0)

    answered = [part for status, part in found["by_status"].items() if _good(status)]
    refused = [part for status, part in found["by_status"].items() if not _good(status)]
    return Flood(rate(answered), slowest(answered), rate(refused), slowest(refused), found["broken"])


def dashboards(binary: Path, world: World, seconds: int) -> Dashboards:
    """Polls, streams and writes at once."""
    viewers = keys.make_viewers(world.postgres, world.database, VIEWERS)
    plan = {
        "seconds": seconds,
        "polls": {**DASHBOARDS, "keys": viewers,
                  "paths": [f"/v1/requests/{one}" for one in world.ids(20_000)]},
        "streams": {"count": STREAMS, "path": "/v1/events?from=now", "keys": viewers},
        "writes": {"per_second": WRITES_A_SECOND, "path": "/v1/requests", "key": world.keys.requester,
                   "run": f"dashboards-{time.time_ns()}", "bodies": _bodies(5_000)},
    }
    service_before, postgres_before = world.service.cpu_seconds(), world.postgres.cpu_seconds()
    report = _run(binary, world, plan)
    each = 1_000_000 / seconds
    return Dashboards(world.rows, seconds, report,
                      (world.service.cpu_seconds() - service_before) * each,
                      (world.postgres.cpu_seconds() - postgres_before) * each,
                      world.service.memory_mb())
