"""On what a run was made: the machine, the versions, the build."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path

from bench import postgres
from bench.tools import TOP


def _said(*words: str) -> str:
    done = subprocess.run(words, cwd=TOP, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip()


def _processor() -> str:
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    found = re.search(r"^model name\s*: (.+)$", text, re.M)
    return found.group(1) if found else platform.machine()


def _memory() -> str:
    text = Path("/proc/meminfo").read_text(encoding="utf-8")
    found = re.search(r"^MemTotal:\s*(\d+) kB", text, re.M)
    return f"{int(found.group(1)) / 1024 ** 2:.0f} GiB" if found else "unknown"


def _commit() -> str:
    changed = _said("git", "status", "--porcelain", "--untracked-files=no", "--", "src", "migrations")
    return _said("git", "rev-parse", "--short", "HEAD") + (", with changes" if changed else "")


def facts(is_given: bool) -> dict[str, str]:
    """Name and value of everything that figures depend on."""
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": _memory(),
        "kernel": platform.release(),
        "rustc": _said("rustc", "--version").removeprefix("rustc "),
        "Postgres": postgres.version(),
        "wrk": re.sub(r"^wrk (\S+).*", r"\1", _said("wrk", "--version").splitlines()[0]),
        "service": "a build given with --binary" if is_given else f"commit {_commit()}",
    }
