"""Measures one operation at one number of connections."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass

from bench import dataset, load
from bench.load import Load
from bench.operations import Operation, World

POOL_RATE = (3_000, 12_000)
"""Requests of the pool for each second, at least and at most."""

_pool = itertools.count(10_000_000)


@dataclass(frozen=True)
class Point:
    """What was measured."""

    operation: str
    rows: int
    connections: int
    load: Load
    service_us: float
    postgres_us: float
    memory_mb: float


def fresh_pool(world: World, count: int) -> tuple[int, list[str]]:
    """Adds so many requests that can be moved once; the first number, and their ids."""
    first = next(itertools.islice(_pool, count - 1, None)) - count + 1
    dataset.add_pool(world.postgres, world.database, first, count)
    rows = world.postgres.rows(
        world.database,
        f"select bench.pool_id(n) from generate_series({first}, {first + count - 1}) as n")
    return first, [row[0] for row in rows]


def pool_size(rate_before: float, seconds: float) -> int:
    """Enough for a rate three times that at fewer connections."""
    least, most = POOL_RATE
    return int(min(max(3 * rate_before, least), most) * (seconds + 1))


def lasting(world: World, operation: Operation, targets: list[str], connections: int, seconds: float,
            rate_before: float) -> Point:
    """The figure of an operation, of such targets or, where it uses them up, of as many new ones as last."""
    if not operation.uses_up:
        return point(world, operation, targets, connections, seconds)
    while True:
        _, lines = fresh_pool(world, pool_size(rate_before, seconds))
        found = point(world, operation, lines, connections, seconds)
        rate_before = found.load.requests / found.load.seconds
        # What is asked for beyond the end of the pool is refused.
        if found.load.refused == 0 or pool_size(rate_before, seconds) <= len(lines):
            return found


def point(world: World, operation: Operation, lines: list[str], connections: int,
          seconds: float) -> Point:
    """Runs the load, and reads the clocks of service and Postgres before and after."""
    targets = world.folder / f"{operation.name}.targets"
    targets.write_text("\n".join(lines) + "\n", encoding="utf-8")
    run = f"bench-{time.time_ns()}"
    arguments = operation.arguments(world, targets, run, load.threads_for(connections))
    service_before, postgres_before = world.service.cpu_seconds(), world.postgres.cpu_seconds()
    found = load.run(world.service.url, operation.script, arguments, connections, seconds)
    service_after, postgres_after = world.service.cpu_seconds(), world.postgres.cpu_seconds()
    each = 1_000_000 / max(found.requests, 1)
    return Point(
        operation.name, world.rows, connections, found,
        service_us=(service_after - service_before) * each,
        postgres_us=(postgres_after - postgres_before) * each,
        memory_mb=world.service.memory_mb(),
    )
