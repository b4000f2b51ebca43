"""Runs wrk and reads what it found."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

LUA = Path(__file__).parent / "lua"


@dataclass(frozen=True)
class Load:
    """What came of a load."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    refused: int
    """Answers with a status of 400 or more."""
    broken: int
    """Connections that failed, and answers that did not come."""

    @property
    def rate(self) -> float:
        """Answers in a second, refusals left out."""
        return (self.requests - self.refused) / self.seconds

    @property
    def errors(self) -> int:
        return self.refused + self.broken


def threads_for(connections: int) -> int:
    return min(2, connections)


def run(url: str, script: str, arguments: list[str], connections: int, seconds: float) -> Load:
    """Loads the address with the script for so long."""
    words = ["wrk", "--threads", str(threads_for(connections)), "--connections", str(connections),
             "--duration", f"{round(seconds)}s", "--timeout", "30s", "--script", str(LUA / script), url,
             "--", *arguments]
    done = subprocess.run(words, env={**os.environ, "BENCH_LUA": str(LUA)}, capture_output=True,
                          text=True, check=False)
    for line in done.stdout.splitlines():
        if line.startswith("RESULT "):
            return Load(**json.loads(line.removeprefix("RESULT ")))
    raise RuntimeError(f"wrk: {done.stdout}{done.stderr}")
