"""All that a run found."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.crowd import Dashboards, Overload
from bench.dataset import Loaded
from bench.instances import Instances
from bench.limits import CLIENTS, PostgresLimit
from bench.load import Load
from bench.measure import Point
from bench.replica import Reading
from bench.turns import Pair


@dataclass
class Results:
    """Filled as the run goes on."""

    facts: dict[str, str]
    binary_mb: float
    command: str
    date: str
    seconds: float
    loaded: list[Loaded] = field(default_factory=list)
    starts: dict[int, float] = field(default_factory=dict)
    points: list[Point] = field(default_factory=list)
    resting_mb: dict[int, float] = field(default_factory=dict)
    postgres: list[PostgresLimit] = field(default_factory=list)
    bare: dict[Point, Load] = field(default_factory=dict)
    """What the bare server gave right after a point."""
    overloads: list[Overload] = field(default_factory=list)
    dashboards: list[Dashboards] = field(default_factory=list)
    instances: list[Instances] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    peers: list[tuple[str, Pair]] = field(default_factory=list)
    flatness: list[Pair] = field(default_factory=list)
    """With the most rows, and with the fewest."""

    def rate(self, operation: str, rows: int, connections: int) -> float:
        """The rate of an operation; 0 where it was not measured."""
        return next((point.load.rate for point in self.points
                     if (point.operation, point.rows, point.connections) == (operation, rows, connections)), 0.0)

    def peak(self, operation: str, rows: int) -> float:
        """The best rate of an operation; 0 where it was not measured."""
        return max((point.load.rate for point in self.points
                    if (point.operation, point.rows) == (operation, rows)), default=0.0)

    def postgres_rate(self, point: Point) -> float | None:
        """What pgbench got out of Postgres with as many clients as the service can have."""
        for limit in self.postgres:
            if (limit.operation, limit.rows, limit.clients) == (
                    point.operation, point.rows, min(point.connections, CLIENTS)):
                return limit.rate if limit.rate and not limit.trouble else None
        return None
