"""What is measured: how each operation is asked for, by whom, and what stands for it in the limits."""

from __future__ import annotations

import random
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench import dataset, payloads
from bench.keys import Keys
from bench.payloads import PARTNERS, Language
from bench.postgres import Postgres
from bench.service import Service

TARGETS = 50_000
"""So many requests are read by id, of all there are."""


@dataclass(frozen=True)
class World:
    """Everything that an operation is measured in."""

    postgres: Postgres
    database: str
    service: Service
    keys: Keys
    rows: int
    folder: Path

    def ids(self, count: int) -> list[str]:
        """Ids of requests from all over the data."""
        chance = random.Random(self.rows)
        numbers = chance.sample(range(1, self.rows + 1), min(count, self.rows))
        values = ",".join(f"({number})" for number in numbers)
        rows = self.postgres.rows(
            self.database, f"select bench.request_id(n) from (values {values}) as sample (n)")
        return [row[0] for row in rows]


@dataclass(frozen=True)
class Sample:
    """One request of an operation, with the SQL that makes others of its values for a replay."""

    method: str
    path: str
    body: str | None
    values: dict[str, str]
    """Text of a value to SQL over :n (which request) and :u (a number never used before)."""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Operation:
    """One thing that clients do."""

    name: str
    key: Callable[[Keys], str]
    script: str
    targets: Callable[[World], list[str]]
    """The lines that the script reads."""
    bare: str
    """The route of the bare server that carries the same payload."""
    sample: Callable[[World, int], Sample]
    """One request of it; the number makes it another one."""
    path: str = ""
    expected: int = 200
    uses_up: bool = False
    """Every request can be asked for only once."""

    def arguments(self, world: World, targets: Path, run: str, threads: int) -> list[str]:
        return [str(targets), self.key(world.keys), run, str(threads), self.path, str(PARTNERS)]


def _get(path: str) -> Callable[[World, int], Sample]:
    return lambda world, number: Sample("GET", path, None, {})


def _read_paths(world: World) -> list[str]:
    return [f"/v1/requests/{request}" for request in world.ids(TARGETS)]


def _known_paths(world: World) -> list[str]:
    """With the tags that the service gives."""
    lines = []
    for request in world.ids(1_000):
        path = f"/v1/requests/{request}"
        answer = world.service.ask("GET", path, world.keys.viewer)
        lines.append(f"{path}\t{answer.headers['etag']}")
    return lines


def _feed_paths(world: World) -> list[str]:
    """From one page to the next, as long as they are full: little data has fewer of them."""
    path, paths = "/v1/events?limit=50", []
    while len(paths) < 100:
        answer = world.service.ask("GET", path, world.keys.viewer)
        if len(answer.body["items"]) < 50:
            break
        paths.append(path)
        path = f"/v1/events?limit=50&cursor={urllib.parse.quote(answer.body['next_cursor'])}"
    return paths


def _search_paths(_: World) -> list[str]:
    language = Language()
    return [f"/v1/requests?limit=50&q={language.two_words()}" for _ in range(200)]


def _full_search_paths(_: World) -> list[str]:
    return [f"/v1/requests?limit=50&q={word}" for word in Language().common_words()]


def _open_search_paths(world: World) -> list[str]:
    states = "".join(f"&state={state}" for state in OPEN)
    return [path + states for path in _full_search_paths(world)]


def _read_sample(world: World, number: int) -> Sample:
    request = world.postgres.value(world.database, f"select bench.request_id({number + 1})")
    return Sample("GET", f"/v1/requests/{request}", None, {request: "bench.request_id(:n)"})


def _known_sample(world: World, number: int) -> Sample:
    sample = _read_sample(world, number)
    tag = world.service.ask("GET", sample.path, world.keys.viewer).headers["etag"]
    return Sample("GET", sample.path, None, sample.values, {"If-None-Match": tag})


def _create_sample(world: World, number: int) -> Sample:
    partner, customer = 4_000_100 + number, 400_000_000 + number
    return Sample("POST", "/v1/requests",
                  payloads.filled(payloads.create_bodies(Language(), 1)[0], partner, customer),
                  _values_of(partner, customer))


def _check_sample(world: World, number: int) -> Sample:
    partner, customer = 4_000_100 + number, 400_000_000 + number
    return Sample("POST", "/v1/eligibility-checks",
                  payloads.filled(payloads.check_bodies(Language(), 1)[0], partner, customer),
                  _values_of(partner, customer))


def _values_of(partner: int, customer: int) -> dict[str, str]:
    return {f"{partner:07d}": f"4000000 + :u::bigint % {PARTNERS}",
            f"{customer:09d}": "500000000 + :u::bigint % 500000000"}


def _transition_sample(world: World, number: int) -> Sample:
    """Moves a request of a pool that only samples use."""
    first = 50_000_000 + number
    dataset.add_pool(world.postgres, world.database, first, 1)
    request = world.postgres.value(world.database, f"select bench.pool_id({first})")
    return Sample("POST", f"/v1/requests/{request}/transitions", '{"to":"in_review"}',
                  {request: "bench.pool_id(:n)"})


LIST = "/v1/requests?limit=50"
IN_REVIEW = "/v1/requests?limit=50&desk=pad&state=in_review"
COMPLETED = "/v1/requests?limit=50&desk=pad&state=completed"
OPEN = ["submitted", "exception_review", "in_review", "action_required", "accepted", "scheduled", "in_progress", "on_hold"]

FILTERED = Operation("filtered", lambda keys: keys.viewer, "get.lua", lambda _: [IN_REVIEW], "/page",
                     _get(IN_REVIEW))
SEARCH = Operation("search", lambda keys: keys.viewer, "get.lua", _search_paths, "/page",
                   lambda world, number: Sample("GET", _search_paths(world)[number], None, {}))

OPERATIONS = [
    Operation("read", lambda keys: keys.admin, "get.lua", _read_paths, "/read", _read_sample),
    Operation("read-304", lambda keys: keys.viewer, "get.lua", _known_paths, "/unchanged", _known_sample,
              expected=304),
    Operation("list", lambda keys: keys.viewer, "get.lua", lambda _: [LIST], "/page", _get(LIST)),
    FILTERED,
    SEARCH,
    Operation("feed", lambda keys: keys.viewer, "get.lua", _feed_paths, "/page",
              lambda world, number: Sample("GET", _feed_paths(world)[20], None, {})),
    Operation("check", lambda keys: keys.requester, "post.lua",
              lambda _: payloads.check_bodies(Language()), "/write", _check_sample,
              path="/v1/eligibility-checks"),
    Operation("create", lambda keys: keys.requester, "post.lua",
              lambda _: payloads.create_bodies(Language()), "/write", _create_sample,
              path="/v1/requests", expected=201),
    Operation("transition", lambda keys: keys.pad, "transition.lua", lambda _: [], "/write",
              _transition_sample, uses_up=True),
]
"""In the order in which they are measured: what reads comes before what adds rows."""

FULL = {
    FILTERED: [replace(FILTERED, name="filtered, full", targets=lambda _: [COMPLETED])],
    SEARCH: [
        replace(SEARCH, name="search, full", targets=_full_search_paths),
        replace(SEARCH, name="search, open", targets=_open_search_paths),
    ],
}
"""What fills a page of even the smallest data, or most of one, so that pages are alike at every size."""
