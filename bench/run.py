"""One run from beginning to end."""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bench import crowd, dataset, instances, keys, limits, measure, peer, postgres, replica, service
from bench.limits import CLIENTS
from bench.measure import Point
from bench.operations import OPERATIONS, Operation, World
from bench.postgres import Postgres
from bench.results import Results
from bench.tools import Programs

STARTS = 5
REST_SECONDS = 5
FLOOD_SECONDS = 6
DASHBOARD_SECONDS = 30


@dataclass(frozen=True)
class Wishes:
    """What is to be measured."""

    operations: list[Operation]
    rows: list[int]
    connections: list[int]
    seconds: float
    parts: set[str]
    peers: dict[str, Path]
    """Names of peers, with the places of what they need."""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def run(wishes: Wishes, programs: Programs, results: Results, report: Callable[[], None]) -> None:
    """Measures all that is wished for; the report is written anew after each size."""
    service.allow_many_files()
    folder = Path(tempfile.mkdtemp(prefix="desk-bench-"))
    try:
        if "limits" in wishes.parts and "operations" in wishes.parts:
            say("bare actix-web")
            routes = {operation.bare for operation in wishes.operations}
            results.bare = limits.bare_limits(programs.bare, folder, routes, wishes.connections,
                                              min(wishes.seconds, 2))
        with postgres.running() as server:
            for rows in wishes.rows:
                _size(wishes, programs, results, server, rows, folder)
                report()
    finally:
        shutil.rmtree(folder)


def _size(wishes: Wishes, programs: Programs, results: Results, server: Postgres, rows: int,
          folder: Path) -> None:
    database = f"desk_{rows}"
    url, log = server.url(database), folder / "service.log"
    server.create(database)
    say(f"loading {rows:,} requests")
    with service.running(programs.service, url, log) as running:
        known = keys.make(programs.service, url)
        loaded = dataset.load(server, database, running, known, rows)
    results.loaded.append(loaded)
    say(f"loaded in {loaded.seconds:.0f} s")
    results.starts[rows] = _median_start(programs.service, url, log)
    with service.running(programs.service, url, log) as running:
        world = World(server, database, running, known, rows, folder)
        _measure(wishes, programs, results, world)
    if "instances" in wishes.parts and rows == statistics.median_low(wishes.rows):
        _instances(wishes, programs, results, world)
    server.drop(database)


def _instances(wishes: Wishes, programs: Programs, results: Results, world: World) -> None:
    """Several servers, which is measured once, with data of the middle size."""
    say("lists with a replica and without")
    results.readings = replica.measured(programs.service, world, wishes.seconds)
    if not results.readings:
        say("  no replica can be set up here")
    say("instances behind a balancer")
    found = instances.measured(programs.service, world, wishes.seconds)
    if found is None:
        say("  there is no haproxy here, as in Debian's package: left out")
    else:
        results.instances.append(found)


def _median_start(binary: Path, url: str, log: Path) -> float:
    times = []
    for _ in range(STARTS):
        with service.running(binary, url, log) as running:
            times.append(running.seconds_to_start)
    return statistics.median(times)


def _measure(wishes: Wishes, programs: Programs, results: Results, world: World) -> None:
    if "operations" in wishes.parts:
        for operation in wishes.operations:
            _operation(wishes, results, world, operation)
        time.sleep(REST_SECONDS)
        results.resting_mb[world.rows] = world.service.memory_mb()
    for name, environment in wishes.peers.items():
        with peer.running(name, environment, world) as other:
            for operation in wishes.operations:
                if operation.name in peer.PEERS[name]:
                    for point in _points(wishes, replace(world, service=other), operation, name):
                        results.peers.append((name, point))
    if "dashboards" in wishes.parts:
        say("dashboards, streams and writes")
        results.dashboards.append(crowd.dashboards(programs.crowd, world, DASHBOARD_SECONDS))
    if "overload" in wishes.parts:
        for name in ("read", "create"):
            _overload(programs, results, world, name, wishes.seconds)


def _points(wishes: Wishes, world: World, operation: Operation, who: str) -> Iterator[Point]:
    rate = 0.0
    targets = [] if operation.uses_up else operation.targets(world)
    for connections in wishes.connections:
        lines = (measure.fresh_pool(world, measure.pool_size(rate, wishes.seconds))[1]
                 if operation.uses_up else targets)
        point = measure.point(world, operation, lines, connections, wishes.seconds)
        rate = max(rate, point.load.rate)
        say(f"{who}: {operation.name}, {world.rows:,} rows, {connections} connections: "
            f"{point.load.rate:,.0f}/s, p50 {point.load.p50_ms:.2f} ms, p99 {point.load.p99_ms:.2f} ms, "
            f"{point.load.errors} errors")
        yield point


def _operation(wishes: Wishes, results: Results, world: World, operation: Operation) -> None:
    results.points.extend(_points(wishes, world, operation, "service"))
    if "limits" in wishes.parts:
        clients = sorted({min(count, CLIENTS) for count in wishes.connections})
        found = limits.postgres_limits(world, operation, clients, wishes.seconds,
                                       results.peak(operation.name, world.rows))
        results.postgres.extend(found)
        for limit in found:
            say(f"  pgbench, {limit.clients} clients: {limit.rate:,.0f}/s {limit.trouble}")


def _overload(programs: Programs, results: Results, world: World, name: str, seconds: float) -> None:
    peak = results.peak(name, world.rows)
    if not peak:
        operation = next(one for one in OPERATIONS if one.name == name)
        peak = measure.point(world, operation, operation.targets(world), 64, seconds).load.rate
    found = crowd.overload(programs.crowd, world, name, peak, FLOOD_SECONDS)
    results.overloads.append(found)
    say(f"overload, {name}: {found.answered:,.0f}/s of {peak:,.0f}/s")
