"""Lists and searches with a replica to read from, and without."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bench import measure, postgres, service
from bench.measure import Point
from bench.operations import OPERATIONS, World
from bench.postgres import Postgres

MEASURED = ["list", "search"]
CONNECTIONS = 64


@dataclass(frozen=True)
class Reading:
    """One operation, read on the primary or on the replica."""

    on_replica: bool
    point: Point
    replica_us: float
    """What the replica used for each request, besides what the primary did."""


def measured(binary: Path, world: World, seconds: float) -> list[Reading]:
    """The same load without a replica and with one; nothing where none can be set up."""
    try:
        with postgres.following(world.postgres) as replica:
            return [*_readings(binary, world, replica, seconds, False), *_readings(binary, world, replica, seconds, True)]
    except postgres.NotFollowing:
        return []


def _readings(binary: Path, world: World, replica: Postgres, seconds: float, on_replica: bool) -> Iterator[Reading]:
    more = {"DATABASE_READ_URL": replica.url(world.database)} if on_replica else {}
    with service.running(binary, world.postgres.url(world.database), world.folder / "replica.log", **more) as running:
        here = replace(world, service=running)
        for operation in OPERATIONS:
            if operation.name in MEASURED:
                before = replica.cpu_seconds()
                point = measure.point(here, operation, operation.targets(here), CONNECTIONS, seconds)
                used = replica.cpu_seconds() - before
                yield Reading(on_replica, point, 1_000_000 * used / max(point.load.requests, 1))
