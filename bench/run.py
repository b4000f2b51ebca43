"""One run from beginning to end."""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench import crowd, dataset, instances, keys, limits, measure, peer, postgres, replica, service, turns
from bench.dataset import Loaded
from bench.keys import Keys
from bench.limits import CLIENTS, Bare
from bench.measure import Point
from bench.operations import FULL, Operation, World
from bench.postgres import Postgres
from bench.results import Results
from bench.tools import Programs

STARTS = 5
REST_SECONDS = 5
BARE_SECONDS = 1
FLOOD_SECONDS = 3
FLAT_CONNECTIONS = 8
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
        with limits.bare(programs.bare, folder) as bare, postgres.running() as server:
            for rows in wishes.rows:
                _size(wishes, programs, results, server, bare, rows, folder)
                report()
    finally:
        shutil.rmtree(folder)


def _size(wishes: Wishes, programs: Programs, results: Results, server: Postgres, bare: Bare, rows: int,
          folder: Path) -> None:
    database = f"desk_{rows}"
    known, loaded = _load(programs, server, database, rows, folder)
    results.loaded.append(loaded)
    results.starts[rows] = _median_start(programs.service, server.url(database), folder / "service.log")
    with _serving(programs, server, database, known, rows, folder) as world:
        _measure(wishes, programs, results, world, bare)
        if "flatness" in wishes.parts and rows == max(wishes.rows) != min(wishes.rows):
            _flatness(wishes, programs, results, world)
    if "instances" in wishes.parts and rows == statistics.median_low(wishes.rows):
        _instances(wishes, programs, results, world)
    server.drop(database)


def _load(programs: Programs, server: Postgres, database: str, rows: int, folder: Path) -> tuple[Keys, Loaded]:
    say(f"loading {rows:,} requests")
    server.create(database)
    url = server.url(database)
    with service.running(programs.service, url, folder / "service.log") as running:
        known = keys.make(programs.service, url)
        loaded = dataset.load(server, database, running, known, rows)
    say(f"loaded in {loaded.seconds:.0f} s")
    return known, loaded


@contextmanager
def _serving(programs: Programs, server: Postgres, database: str, known: Keys, rows: int,
             folder: Path) -> Iterator[World]:
    with service.running(programs.service, server.url(database), folder / f"{database}.log") as running:
        yield World(server, database, running, known, rows, folder)


def _flatness(wishes: Wishes, programs: Programs, results: Results, large: World) -> None:
    """The most rows beside the fewest, which are loaded once more: the first ones have grown by what was written."""
    server, database, rows = large.postgres, "desk_small", min(wishes.rows)
    known, _ = _load(programs, server, database, rows, large.folder)
    with _serving(programs, server, database, known, rows, large.folder) as small:
        full = [variant for operation in wishes.operations for variant in FULL.get(operation, [])]
        for operation in [*wishes.operations, *full]:
            found = turns.pair(large, small, operation, FLAT_CONNECTIONS, wishes.seconds,
                               results.peak(operation.name, large.rows))
            results.flatness.append(found)
            say(f"flatness: {operation.name}, {found.ratio(lambda point: point.load.p50_ms):.2f}")
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


def _measure(wishes: Wishes, programs: Programs, results: Results, world: World, bare: Bare) -> None:
    if "operations" in wishes.parts:
        for operation in wishes.operations:
            _operation(wishes, results, world, operation, bare)
        time.sleep(REST_SECONDS)
        results.resting_mb[world.rows] = world.service.memory_mb()
    for name, environment in wishes.peers.items():
        with peer.running(name, environment, world) as other:
            for operation in wishes.operations:
                if operation.name in peer.PEERS[name]:
                    _beside(wishes, results, world, name, replace(world, service=other), operation)
        dataset.sort_in_words(world.postgres, world.database)
    if "dashboards" in wishes.parts:
        say("dashboards, streams and writes")
        results.dashboards.append(crowd.dashboards(programs.crowd, world, DASHBOARD_SECONDS))
    if "overload" in wishes.parts:
        for name in ("read", "create"):
            found = crowd.overload(programs.crowd, world, name, FLOOD_SECONDS)
            results.overloads.append(found)
            say(f"overload, {name}: {turns.median_ratio(found.rounds, lambda flood: flood.answered):.2f} of the peak")


def _beside(wishes: Wishes, results: Results, world: World, name: str, theirs: World, operation: Operation) -> None:
    """The service and a peer of it, in turns."""
    for connections in wishes.connections:
        rate = results.rate(operation.name, world.rows, connections)
        found = turns.pair(world, theirs, operation, connections, wishes.seconds, rate)
        results.peers.append((name, found))
        say(f"beside {name}: {operation.name}, {world.rows:,} rows, {connections} connections: "
            f"{found.ratio(lambda point: point.load.rate):.2f} times as fast")


def _points(wishes: Wishes, world: World, operation: Operation) -> Iterator[Point]:
    rate = 0.0
    targets = operation.targets(world)
    for connections in wishes.connections:
        point = measure.lasting(world, operation, targets, connections, wishes.seconds, rate)
        rate = max(rate, point.load.rate)
        say(f"{operation.name}, {world.rows:,} rows, {connections} connections: "
            f"{point.load.rate:,.0f}/s, p50 {point.load.p50_ms:.2f} ms, p99 {point.load.p99_ms:.2f} ms, "
            f"{point.load.errors} errors")
        yield point


def _operation(wishes: Wishes, results: Results, world: World, operation: Operation, bare: Bare) -> None:
    for point in _points(wishes, world, operation):
        results.points.append(point)
        if "limits" in wishes.parts:
            results.bare[point] = bare.load(operation.bare, point.connections, BARE_SECONDS)
    if "limits" in wishes.parts:
        clients = sorted({min(count, CLIENTS) for count in wishes.connections})
        found = limits.postgres_limits(world, operation, clients, wishes.seconds,
                                       results.peak(operation.name, world.rows))
        results.postgres.extend(found)
        for limit in found:
            say(f"  pgbench, {limit.clients} clients: {limit.rate:,.0f}/s {limit.trouble}")
