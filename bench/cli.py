"""The command line of scripts/bench."""

from __future__ import annotations

import argparse
import datetime
from pathlib import Path

from bench import machine, peer, report, tools
from bench.operations import OPERATIONS
from bench.results import Results
from bench.run import Wishes, run
from bench.tools import BUILT, TOP

PARTS = ["operations", "limits", "flatness", "overload", "dashboards", "instances"]


def _numbers(text: str) -> list[int]:
    return [int(word.replace("_", "")) for word in text.split(",")]


def _words(text: str) -> list[str]:
    return text.split(",")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description="Measures the service beside what Postgres and actix-web give alone.")
    names = ",".join(operation.name for operation in OPERATIONS)
    parser.add_argument("--short", action="store_true", help="a part of it, in two minutes")
    parser.add_argument("--only", type=_words, metavar="NAMES", help=f"operations, of {names}")
    parser.add_argument("--parts", type=_words, metavar="NAMES", help=f"of {','.join(PARTS)}")
    parser.add_argument("--peer", action="append", choices=list(peer.PEERS), default=[],
                        help="measure this other service over the same tables too")
    parser.add_argument("--rows", type=_numbers, help="sizes of the data, such as 1000,100000")
    parser.add_argument("--connections", type=_numbers, help="such as 1,8,64,256")
    parser.add_argument("--seconds", type=float, help="for each figure")
    parser.add_argument("--binary", type=Path, help="a build of the service; built if left out")
    parser.add_argument("--out", type=Path, help="where the report goes; docs/BENCHMARKS.md for a whole run, "
                        "else target/bench/report.md")
    return parser


def _wishes(options: argparse.Namespace) -> Wishes:
    names = options.only or [operation.name for operation in OPERATIONS]
    parts = options.parts or (["operations", "limits"] if options.short or options.only else PARTS)
    unknown = set(names) - {operation.name for operation in OPERATIONS} | set(parts) - set(PARTS)
    if unknown:
        raise SystemExit(f"unknown: {', '.join(sorted(unknown))}")
    return Wishes(
        operations=[operation for operation in OPERATIONS if operation.name in names],
        rows=options.rows or ([20_000] if options.short else [1_000, 100_000, 1_000_000]),
        connections=options.connections or ([8, 64] if options.short else [1, 8, 64, 256]),
        seconds=options.seconds or (2 if options.short else 6),
        parts=set(parts),
        peers={name: peer.install(name) for name in options.peer},
    )


def _command(options: argparse.Namespace) -> str:
    """The command without the names of files, which mean nothing elsewhere."""
    words = ["scripts/bench"] + (["--short"] if options.short else [])
    for name in ("only", "parts", "peer", "rows", "connections"):
        if getattr(options, name):
            words.append(f"--{name} {','.join(map(str, getattr(options, name)))}")
    return " ".join(words)


def main() -> None:
    options = _parser().parse_args()
    wishes = _wishes(options)
    is_whole = not (options.short or options.only or options.parts or options.rows or options.connections)
    out = options.out or (TOP / "docs" / "BENCHMARKS.md" if is_whole else BUILT / "report.md")
    tools.install_wrk()
    programs = tools.build(options.binary)
    results = Results(machine.facts(options.binary is not None), programs.service.stat().st_size / 1_000_000,
                      _command(options), datetime.date.today().isoformat(), wishes.seconds)
    routes = {operation.name: operation.bare for operation in OPERATIONS}

    def write() -> None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(report.markdown(results, routes), encoding="utf-8")

    run(wishes, programs, results, write)
    if results.points:
        print(report.points(results))
    print(f"The report is in {out}.")
