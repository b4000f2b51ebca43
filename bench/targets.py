"""What the service is to reach, and where a run found that it does."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bench import turns
from bench.crowd import Dashboards
from bench.measure import Point
from bench.operations import FULL
from bench.results import Results

SOME, MANY = 8, 64
"""Connections: a few, and so many that requests arrive together."""

AT_SOME, AT_MANY = range(SOME, SOME + 1), range(MANY, MANY + 1)
FROM_SOME, FROM_MANY = range(SOME, 100_000), range(MANY, 100_000)


@dataclass(frozen=True)
class Target:
    """One figure that is to be small enough, or large enough, wherever it was measured."""

    name: str
    bound: float
    form: str
    """How such a figure is written."""
    is_most: bool
    found: Callable[[Results], Iterable[float]]

    def line(self, results: Results) -> list[str] | None:
        """What is wanted and what was found, as text; nothing where it was not measured."""
        found = list(self.found(results))
        if not found:
            return None
        kept = sum(one <= self.bound if self.is_most else one >= self.bound for one in found)
        wanted, low, high = (self.form.format(figure) for figure in (self.bound, min(found), max(found)))
        return [self.name, f"{'at most' if self.is_most else 'at least'} {wanted}",
                low if low == high else f"{low} to {high}",
                "yes" if kept == len(found) else f"{kept} of {len(found)}" if kept else "no"]


RATIO = "{:.2f}"


def _most(name: str, bound: float, form: str, found: Callable[[Results], Iterable[float]]) -> Target:
    return Target(name, bound, form, True, found)


def _least(name: str, bound: float, found: Callable[[Results], Iterable[float]]) -> Target:
    return Target(name, bound, RATIO, False, found)


def _points(results: Results, operation: str, connections: range) -> list[Point]:
    return [point for point in results.points
            if point.operation == operation and point.connections in connections]


def _of_pgbench(operation: str, connections: range) -> Callable[[Results], Iterable[float]]:
    def found(results: Results) -> Iterable[float]:
        for point in _points(results, operation, connections):
            limit = results.postgres_rate(point)
            if limit:
                yield point.load.rate / limit
    return found


def _of_bare(results: Results) -> Iterable[float]:
    for point in _points(results, "read-304", AT_MANY):
        if point in results.bare:
            yield point.load.rate / results.bare[point].rate


def _service_us(operation: str, connections: range) -> Callable[[Results], Iterable[float]]:
    return lambda results: [point.service_us for point in _points(results, operation, connections)]


def _growth(results: Results) -> Iterable[float]:
    # What finds too little in the least data to fill a page is measured once more with what does.
    short = {operation.name for operation in FULL}
    return [pair.ratio(lambda point: point.load.p50_ms) for pair in results.flatness
            if pair.middle(0).operation not in short]


def _p99(part: str) -> Callable[[Results], Iterable[float]]:
    return lambda results: [found["p99_ms"] for one in results.dashboards
                            for found in one.report[part]["by_status"].values()]


def _failures(results: Results) -> Iterable[float]:
    return [float(sum(one.report[part]["broken"] for part in ("polls", "writes", "streams")) + _refused(one))
            for one in results.dashboards]


def _refused(one: Dashboards) -> int:
    return sum(found["count"] for part in ("polls", "writes")
               for status, found in one.report[part]["by_status"].items() if int(status) >= 400)


def _overload_share(results: Results) -> Iterable[float]:
    return [turns.median_ratio(one.rounds, lambda flood: flood.answered) for one in results.overloads]


def _refusal_ms(results: Results) -> Iterable[float]:
    return [statistics.median(flood.refused_p99_ms for flood, _ in one.rounds) for one in results.overloads]


def _times_a_peer(operation: str, connections: range) -> Callable[[Results], Iterable[float]]:
    return lambda results: [pair.ratio(lambda point: point.load.rate) for _, pair in results.peers
                            if pair.middle(0).operation == operation and pair.middle(0).connections in connections]


TARGETS = [
    _least(f"create, of pgbench, at {SOME}", 0.7, _of_pgbench("create", AT_SOME)),
    _least(f"create, of pgbench, at {MANY}", 1.5, _of_pgbench("create", AT_MANY)),
    _least(f"transition, of pgbench, at {SOME}", 0.7, _of_pgbench("transition", AT_SOME)),
    _most(f"read, service, at {SOME} and more", 120, "{:,.0f} µs", _service_us("read", FROM_SOME)),
    _most(f"list, service, at {SOME} and more", 300, "{:,.0f} µs", _service_us("list", FROM_SOME)),
    _most(f"check, service, at {SOME}", 60, "{:,.0f} µs", _service_us("check", AT_SOME)),
    _most(f"check, service, at {MANY} and more", 60, "{:,.0f} µs", _service_us("check", FROM_MANY)),
    _least(f"read-304, of bare, at {MANY}", 0.35, _of_bare),
    _most("median with the most rows, of that with the fewest", 1.3, RATIO, _growth),
    _most("dashboards: polls, p99", 50, "{:,.0f} ms", _p99("polls")),
    _most("dashboards: writes, p99", 50, "{:,.0f} ms", _p99("writes")),
    _most("dashboards: what failed", 0, "{:,.0f}", _failures),
    _most("dashboards: RSS", 150, "{:,.0f} MB", lambda results: [one.memory_mb for one in results.dashboards]),
    _most("RSS at rest after the loads", 60, "{:,.0f} MB", lambda results: results.resting_mb.values()),
    _most("first answer after the start", 300, "{:,.0f} ms", lambda results: [1_000 * start for start in results.starts.values()]),
    _most("binary", 40, "{:,.0f} MB", lambda results: [results.binary_mb]),
    _least("overload: answered, of the peak", 0.9, _overload_share),
    _most("overload: refusals, p99", 250, "{:,.0f} ms", _refusal_ms),
    *(_least(f"{operation}, times a peer, at {SOME} and more", 4, _times_a_peer(operation, FROM_SOME))
      for operation in ("read", "list", "create", "transition")),
    _least(f"create, times a peer, at {MANY} and more", 8, _times_a_peer("create", FROM_MANY)),
]
