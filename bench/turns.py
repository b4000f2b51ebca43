"""Measures in turns: the ratio of two figures holds where whatever the machine does meanwhile meets both alike."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from bench import measure
from bench.measure import Point
from bench.operations import Operation, World

ROUNDS = 3

Found = TypeVar("Found")


def in_turns(one: Callable[[], Found], other: Callable[[], Found]) -> list[tuple[Found, Found]]:
    """What both found in each round. Every other round goes the other way round."""
    rounds = []
    for number in range(ROUNDS):
        if number % 2 == 0:
            first, second = one(), other()
        else:
            second, first = other(), one()
        rounds.append((first, second))
    return rounds


def median_ratio(rounds: list[tuple[Found, Found]], of: Callable[[Found], float]) -> float:
    """One by the other, in the round that is in the middle."""
    return statistics.median(of(one) / max(of(other), 1e-9) for one, other in rounds)


@dataclass(frozen=True)
class Pair:
    """The same operation, in two worlds."""

    rounds: list[tuple[Point, Point]]

    def middle(self, place: int) -> Point:
        """The round of the one (0) or the other (1) that has the middle rate."""
        points = sorted((points[place] for points in self.rounds), key=lambda point: point.load.rate)
        return points[len(points) // 2]

    def errors(self, place: int) -> int:
        """Of all rounds."""
        return sum(points[place].load.errors for points in self.rounds)

    def ratio(self, of: Callable[[Point], float]) -> float:
        """One by the other."""
        return median_ratio(self.rounds, of)


def pair(one: World, other: World, operation: Operation, connections: int, seconds: float, rate: float) -> Pair:
    """So many seconds of each, in all. `rate` is what is to be expected at most, as far as it is known."""
    each = max(seconds / ROUNDS, 1)

    def measured(world: World) -> Callable[[], Point]:
        targets = operation.targets(world)

        def point() -> Point:
            return measure.lasting(world, operation, targets, connections, each, rate / 2)

        return point

    return Pair(in_turns(measured(one), measured(other)))
