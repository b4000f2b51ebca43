"""Several instances on one database, behind a balancer, and the work they share."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from bench import balancer, measure, service
from bench.balancer import Fleet
from bench.measure import Point
from bench.operations import OPERATIONS, World
from bench.quota import held

MEASURED = ["read", "read-304", "create"]
CONNECTIONS = 64

SHARE = 0.25
"""The part of a core that each instance is held to, so that nothing else on the machine is what there is too little of."""

DUE = 1_000
"""Requests that are made old enough to expire: many times what an instance takes at once."""


@dataclass(frozen=True)
class FleetPoint:
    """What so many instances gave."""

    count: int
    cores_each: float | None
    point: Point
    shares: list[float]
    """Of the requests, for each instance."""
    service_us: list[float]
    """For each request of the instance."""
    balancer_us: float


@dataclass(frozen=True)
class Expired:
    """What became of requests that were due while two instances ran."""

    due: int
    requests: int
    lines: int
    """In the history."""
    by_instance: list[int]
    """As each says in its log."""


@dataclass(frozen=True)
class Instances:
    """All that was found."""

    rows: int
    balancer: str
    points: list[FleetPoint]
    expired: Expired


def measured(binary: Path, world: World, seconds: float) -> Instances | None:
    """One instance and two; `None` where there is no balancer."""
    if balancer.program() is None:
        return None
    points = [point for count in (1, 2) for point in _points(binary, world, count, seconds)]
    return Instances(world.rows, balancer.version(), points, _expired(binary, world))


def _points(binary: Path, world: World, count: int, seconds: float) -> Iterator[FleetPoint]:
    operations = [operation for operation in OPERATIONS if operation.name in MEASURED]
    with balancer.running(binary, world.postgres.url(world.database), world.folder, count) as fleet:
        here = replace(world, service=fleet)
        targets = {operation.name: operation.targets(here) for operation in operations}
        for cores in (None, SHARE):
            with ExitStack() as stack:
                if cores is not None and not all(
                        [stack.enter_context(held(one.process.pid, cores)) for one in fleet.instances]):
                    return
                for operation in operations:
                    before = _clocks(fleet)
                    point = measure.point(here, operation, targets[operation.name], CONNECTIONS, seconds)
                    yield _compared(count, cores, point, before, _clocks(fleet))


@dataclass(frozen=True)
class _Clocks:
    answered: list[int]
    seconds: list[float]
    balancer: float


def _clocks(fleet: Fleet) -> _Clocks:
    return _Clocks(fleet.answered(), [one.cpu_seconds() for one in fleet.instances], fleet.balancer_seconds())


def _compared(count: int, cores: float | None, point: Point, before: _Clocks, after: _Clocks) -> FleetPoint:
    answered = [now - then for then, now in zip(before.answered, after.answered, strict=True)]
    used = [now - then for then, now in zip(before.seconds, after.seconds, strict=True)]
    total = max(sum(answered), 1)
    return FleetPoint(
        count, cores, point,
        shares=[one / total for one in answered],
        service_us=[1_000_000 * spent / max(one, 1) for spent, one in zip(used, answered, strict=True)],
        balancer_us=1_000_000 * (after.balancer - before.balancer) / total,
    )


def _expired(binary: Path, world: World) -> Expired:
    """Makes drafts old, and starts two instances, which look for such at once and then every minute."""
    database, postgres = world.database, world.postgres
    since = postgres.value(database, "select coalesce(max(position), 0) from request_events")
    due = [row[0] for row in postgres.rows(database, f"""
        select id from requests where state = 'draft' order by state_since limit {DUE}""")]
    named = ",".join(f"'{one}'" for one in due) or "null"
    postgres.run(database, f"""
        update requests set state_since = state_since - interval '10 years', updated_at = updated_at - interval '10 years'
        where id in ({named});""")
    left = f"select count(*) from requests where id in ({named}) and state = 'draft'"
    logs = [world.folder / f"expiring-{number}.log" for number in range(2)]
    url, deadline = postgres.url(database), time.monotonic() + 150
    with service.running(binary, url, logs[0]), service.running(binary, url, logs[1]):
        # What an instance did is in its log a moment later.
        while ((postgres.value(database, left) != "0" or sum(map(_said, logs)) < len(due))
               and time.monotonic() < deadline):
            time.sleep(0.2)
    requests, lines = postgres.rows(database, f"""
        select count(distinct request_id), count(*) from request_events
        where position > {since} and kind = 'transitioned' and to_state = 'expired'""")[0]
    return Expired(len(due), int(requests), int(lines), [_said(log) for log in logs])


def _said(log: Path) -> int:
    """How many requests an instance says it has expired."""
    return sum(map(int, re.findall(r"Report \{ expired: (\d+)", log.read_text(encoding="utf-8"))))
