"""Writes what a run found as Markdown."""

from __future__ import annotations

import statistics

from bench import instances, postgres, replica, service, turns
from bench.crowd import FLOODED, FULL
from bench.dataset import DAYS
from bench.limits import CLIENTS
from bench.load import Load
from bench.measure import Point
from bench.results import Results
from bench.run import REST_SECONDS
from bench.targets import TARGETS

READING = """\
# Benchmarks

Written by `scripts/bench`; do not edit. `just bench` measures all of it again in about forty minutes,
`just bench-short` a part in two minutes, and `scripts/bench --help` tells how to pick.

## How to read it

- Load generator, service and Postgres share the cores of one machine. **Only ratios of one run are worth quoting**, and
  differences under 20 % mean nothing.
- Everything is switched on: keys, rights, quotas (counted, but so high that nobody is refused), audit trail, history,
  idempotency keys on every write, logging at `info`. Postgres is as durable as it is shipped. {log} GB of its log were
  written beforehand: like a server that has run for a while, it uses files of the log again, rather than have everybody wait for
  a new one to be made.
- **of pgbench**: the rate against that of pgbench with the very statements that the service was heard to issue for such a
  request, at as many clients, {clients} at most. A service that puts the work of several requests into one statement can
  exceed it. Values that have to be new each time are made up by Postgres there, at about a microsecond each. It
  repeats one search and one page of the feed, where the load varies them, so those two ratios are rough.
- **of bare**: the rate against that of actix-web alone, measured right afterwards, with a body of the same size and nothing
  behind it.
- **service µs** and **Postgres µs** are processor time for each request. With the load generator's they tell what a machine can
  do: cores × 1,000,000 / (their sum).
- **errors** are answers with a status of 400 or more, broken connections and answers that did not come.
- Rows are requests; each has one to six events. What reads is measured before what writes, but the writes of a run stay, so the
  smallest data has grown by the time it is written to.
- What is said to be measured **in turns** was measured {rounds} times, one after the other, every other time in the other
  order; the ratio is that of the round in the middle.
- A pause of all clients for an answer is seen by `wrk` as one slow answer, so p99 flatters; the dashboards below keep to a
  schedule and count from when a poll was due.
"""


def _table(heads: list[str], rows: list[list[str]]) -> str:
    """A table with its columns under each other."""
    lines = [heads, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]

    def written(line: list[str]) -> str:
        cells = (cell.ljust(width) if column == 0 else cell.rjust(width)
                 for column, (cell, width) in enumerate(zip(line, widths, strict=True)))
        return "| " + " | ".join(cells) + " |"

    rule = "|" + "|".join("-" * (width + 2) if column == 0 else "-" * (width + 1) + ":"
                          for column, width in enumerate(widths)) + "|"
    return "\n".join([written(heads), rule, *map(written, rows)]) + "\n"


def _ratio(rate: float, limit: float | None) -> str:
    return f"{rate / limit:.2f}" if limit else "–"


def _point(results: Results, point: Point) -> list[str]:
    bare = results.bare.get(point)
    return [
        point.operation, f"{point.rows:,}", str(point.connections), f"{point.load.rate:,.0f}",
        f"{point.load.p50_ms:.2f}", f"{point.load.p99_ms:.2f}",
        _ratio(point.load.rate, results.postgres_rate(point)),
        _ratio(point.load.rate, bare.rate if bare else None),
        f"{point.service_us:.0f}", f"{point.postgres_us:.0f}", f"{point.memory_mb:.0f}",
        f"{point.load.errors:,}",
    ]


def points(results: Results) -> str:
    """The table of what was measured of the service."""
    heads = ["operation", "rows", "connections", "rate/s", "p50 ms", "p99 ms", "of pgbench", "of bare",
             "service µs", "Postgres µs", "RSS MB", "errors"]
    return _table(heads, [_point(results, point) for point in results.points])


def _resting(results: Results) -> str:
    """What the service keeps when it has nothing to do any more."""
    kept = ", ".join(f"{memory:.0f} MB ({rows:,} rows)" for rows, memory in results.resting_mb.items())
    return f"RSS in the table is that at the end of a load; {REST_SECONDS} seconds after the last of them it is {kept}.\n"


def _flatness(results: Results) -> str:
    """How the median grows with the data."""
    if not results.flatness:
        return ""
    rows = []
    for pair in results.flatness:
        large, small = pair.middle(0), pair.middle(1)
        rows.append([large.operation, f"{small.load.p50_ms:.2f}", f"{large.load.p50_ms:.2f}",
                     f"{pair.ratio(lambda point: point.load.p50_ms):.2f}"])
    table = _table(["operation", f"p50 ms, {small.rows:,} rows", f"p50 ms, {large.rows:,} rows", "times"], rows)
    return (f"\n## Flatness\n\nAt {large.connections} connections, both in turns: how the median grows with the data. "
            "The words of `search` stand in four of 1,000 requests and what `filtered` asks for in twelve, so the least data has "
            "short pages of those; what is called full fills a page of either, and `search, open` most of one with common words "
            f"in all open states.\n\n{table}")


def _limits(results: Results, routes: dict[str, str]) -> str:
    if not results.postgres:
        return ""
    heads = ["operation", "rows", "clients", "statements", "pgbench/s", "Postgres µs"]
    rows = [[limit.operation, f"{limit.rows:,}", str(limit.clients), str(limit.statements),
             f"{limit.rate:,.0f}" if not limit.trouble else "–", f"{limit.postgres_us:.0f}"]
            for limit in results.postgres]
    troubles = [f"- {limit.operation}, {limit.rows:,} rows, {limit.clients} clients: {limit.trouble}"
                for limit in results.postgres if limit.trouble]
    loads: dict[tuple[str, int], list[Load]] = {}
    for point, found in results.bare.items():
        loads.setdefault((routes[point.operation], point.connections), []).append(found)
    bare = [[route, str(connections), f"{statistics.median(load.rate for load in found):,.0f}",
             f"{statistics.median(load.p50_ms for load in found):.2f}",
             ", ".join(name for name, stands in routes.items() if stands == route)]
            for (route, connections), found in sorted(loads.items())]
    text = (f"\n## The limits\n\nPostgres alone: pgbench with prepared statements, and the statements of one request "
            f"between its `BEGIN` and `COMMIT`.\n\n{_table(heads, rows)}")
    if troubles:
        text += "\nNot replayed, or not without errors:\n\n" + "\n".join(troubles) + "\n"
    heads = ["bare route", "connections", "rate/s", "p50 ms", "stands for"]
    return text + f"\nactix-web alone, two workers; the median of all times that it was measured:\n\n{_table(heads, bare)}"


def _overload(results: Results) -> str:
    if not results.overloads:
        return ""
    heads = ["operation", "rows", "peak/s", "answered/s", "of peak", "answered p99 ms", "refused/s", "refused p99 ms",
             "broken"]
    rows = []
    for one in results.overloads:
        floods = [flood for flood, _ in one.rounds]
        rows.append([
            one.operation, f"{one.rows:,}", f"{statistics.median(full.answered for _, full in one.rounds):,.0f}",
            f"{statistics.median(flood.answered for flood in floods):,.0f}",
            f"{turns.median_ratio(one.rounds, lambda flood: flood.answered):.2f}",
            f"{max(flood.answered_p99_ms for flood in floods):.1f}",
            f"{statistics.median(flood.refused for flood in floods):,.0f}",
            f"{max(flood.refused_p99_ms for flood in floods):.1f}", str(sum(flood.broken for flood in floods)),
        ])
    return (f"\n## Overload\n\n{FLOODED} connections, all asking again as soon as they are answered or refused, and in turns the "
            f"peak: {FULL} that do the same and are all answered.\n\n{_table(heads, rows)}")


def _dashboards(results: Results) -> str:
    if not results.dashboards:
        return ""
    text = ("\n## Dashboards\n\n1,000 dashboards that poll 20 requests each every 5 seconds with `If-None-Match`, on a schedule, and "
            "come one after the other in the first 5; 500 event streams of the whole feed, open before; 50 new requests a second. "
            "All together. A poll that is answered 200 is the first for a request, or finds it changed.\n")
    for one in results.dashboards:
        polls, writes, streams = (one.report[part] for part in ("polls", "writes", "streams"))
        rows = [[what, status, f"{found['count'] / one.seconds:,.0f}", f"{found['p50_ms']:.1f}",
                 f"{found['p99_ms']:.1f}"]
                for what, part in (("polls", polls), ("writes", writes))
                for status, found in part["by_status"].items()]
        text += "\n" + _table([f"{one.rows:,} rows", "status", "rate/s", "p50 ms", "p99 ms"], rows)
        text += (f"\nBroken: {polls['broken']} polls, {writes['broken']} writes, {streams['broken']} streams. Streams: "
                 f"{streams['open']} open at the end, {streams['refused']} times refused before, "
                 f"{streams['events'] / one.seconds:,.0f} events delivered a second. Processor: service "
                 f"{one.service_us_of_a_second / 10_000:.0f} % of a core, Postgres "
                 f"{one.postgres_us_of_a_second / 10_000:.0f} %. RSS {one.memory_mb:.0f} MB.\n")
    return text


def _instances(results: Results) -> str:
    text = ""
    for found in results.instances:
        rows = [[one.point.operation, f"{one.cores_each or '–'}", str(one.count), f"{one.point.load.rate:,.0f}",
                 f"{one.point.load.p50_ms:.2f}", f"{one.point.load.p99_ms:.2f}",
                 " + ".join(f"{share:.0%}" for share in one.shares), ", ".join(f"{us:.0f}" for us in one.service_us),
                 f"{one.balancer_us:.0f}", f"{one.point.postgres_us:.0f}", f"{one.point.load.errors:,}"]
                for one in sorted(found.points, key=lambda one: (one.cores_each or 0, instances.MEASURED.index(
                    one.point.operation), one.count))]
        heads = ["operation", "cores for each", "instances", "rate/s", "p50 ms", "p99 ms", "shares", "service µs",
                 "balancer µs", "Postgres µs", "errors"]
        expired = found.expired
        text += (f"\n## Two instances\n\n{found.rows:,} rows, {instances.CONNECTIONS} connections to HAProxy {found.balancer}, which "
                 "passes each request to the next instance. All share the cores of one machine, so the rate can't double there. "
                 f"Held to {instances.SHARE:g} of a core each, the instances alone are what there is too little of: then it shows "
                 f"whether their rates add up.\n\n{_table(heads, rows)}"
                 f"\nWork in the background: {expired.due:,} drafts were made old enough to expire, and two instances started. "
                 f"{expired.requests:,} requests expired, with {expired.lines:,} lines of history; the instances say that they "
                 f"expired {' and '.join(f'{count:,}' for count in expired.by_instance)}.\n")
    return text


def _readings(results: Results) -> str:
    if not results.readings:
        return ""
    rows = [[one.point.operation, "replica" if one.on_replica else "primary", f"{one.point.load.rate:,.0f}",
             f"{one.point.load.p50_ms:.2f}", f"{one.point.load.p99_ms:.2f}", f"{one.point.service_us:.0f}",
             f"{one.point.postgres_us:.0f}", f"{one.replica_us:.0f}",
             f"{one.replica_us / max(one.replica_us + one.point.postgres_us, 1):.0%}", f"{one.point.load.errors:,}"]
            for one in sorted(results.readings, key=lambda one: (one.point.operation, one.on_replica))]
    heads = ["operation", "read on", "rate/s", "p50 ms", "p99 ms", "service µs", "primary µs", "replica µs",
             "replica's share", "errors"]
    return (f"\n### A replica to read\n\nWith `DATABASE_READ_URL` and without, at {replica.CONNECTIONS} connections. The replica runs on "
            f"the same machine, so it is the share of the processor that counts, not the rate.\n\n{_table(heads, rows)}")


def _peers(results: Results) -> str:
    """Where a peer has an operation: its figures, and how often as much the service gives."""
    if not results.peers:
        return ""
    rows = []
    for name, pair in results.peers:
        ours, theirs = pair.middle(0), pair.middle(1)
        rows.append([name, theirs.operation, f"{theirs.rows:,}", str(theirs.connections), f"{theirs.load.rate:,.0f}",
                     f"{theirs.load.p50_ms:.2f}", f"{theirs.load.p99_ms:.2f}", f"{theirs.service_us:.0f}",
                     f"{theirs.postgres_us:.0f}", f"{theirs.memory_mb:.0f}", f"{pair.errors(1):,}",
                     f"{ours.load.rate:,.0f}", f"{pair.errors(0):,}", f"{pair.ratio(lambda point: point.load.rate):.2f}"])
    heads = ["peer", "operation", "rows", "connections", "rate/s", "p50 ms", "p99 ms", "peer µs", "Postgres µs", "RSS MB",
             "errors", "service: rate/s", "errors", "times as fast"]
    return ("\n## Peers\n\nThe same tables and transactions with other tools, two processes; the service in turns with them. A peer "
            f"asks no rules and checks no body, so it does less.\n\n{_table(heads, rows)}")


def _targets(results: Results) -> str:
    """What is wanted of all that was measured, beside what was found."""
    rows = [line for target in TARGETS if (line := target.line(results))]
    return ("\n## Targets\n\nWhat the service is meant to reach, and what it did in this run: from the least to the most of all sizes "
            "and numbers of connections, with how many of them reached it. [SCALING.md](SCALING.md#what-a-write-costs) tells why "
            f"writes stay behind.\n\n{_table(['figure', 'wanted', 'found', 'reached'], rows)}")


def _conditions(results: Results) -> str:
    settings = ", ".join(f"`{name}={value}`" for name, value in postgres.SETTINGS.items()
                         if not name.startswith("log"))
    quotas = ", ".join(f"`{name}={value}`" for name, value in service.SETTINGS.items())
    lines = [f"- {name}: {value}" for name, value in results.facts.items()]
    lines += [
        f"- size of the binary: {results.binary_mb:.1f} MB",
        f"- date: {results.date}",
        f"- command: `{results.command}`; {results.seconds:g} seconds for each figure",
        f"- Postgres settings: {settings}; all else as shipped, so `fsync`, `synchronous_commit` and `full_page_writes` "
        "are on; reached by a Unix socket",
        f"- service settings: {quotas}; all else as it comes",
    ]
    for loaded in results.loaded:
        start = results.starts.get(loaded.rows, 0) * 1_000
        lines.append(f"- {loaded.rows:,} requests over {DAYS} days: loaded in {loaded.seconds:.0f} s, "
                     f"{loaded.megabytes:,.0f} MB; from exec of the service to the first answer {start:.0f} ms "
                     "(median of 5)")
    return "\n## Conditions\n\n" + "\n".join(lines) + "\n"


def markdown(results: Results, routes: dict[str, str]) -> str:
    """The whole document. `routes` tells which route of the bare server stands for an operation."""
    text = READING.replace("{clients}", str(CLIENTS)).replace("{rounds}", str(turns.ROUNDS))
    text = text.replace("{log}", str(postgres.LOG_GIGABYTES)) + _conditions(results) + _targets(results)
    if results.points:
        text += f"\n## Operations\n\n{points(results)}\n{_resting(results)}"
    return (text + _flatness(results) + _limits(results, routes) + _overload(results)
            + _dashboards(results) + _instances(results) + _readings(results) + _peers(results))
