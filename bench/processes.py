"""What processes have used: processor time and memory, from /proc."""

from __future__ import annotations

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    """The fields after the name, which may hold blanks: the first is the state."""
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    return text.rsplit(")", 1)[1].split()


def cpu_seconds(pid: int) -> float:
    """Processor time of the process so far."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / TICKS


def cpu_seconds_of_family(pid: int) -> float:
    """Processor time of the process, of its children, and of those children that have ended."""
    fields = _stat(pid)
    ticks = sum(int(field) for field in fields[11:15])
    for other in Path("/proc").iterdir():
        if not other.name.isdigit():
            continue
        try:
            child = _stat(int(other.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(child[1]) == pid:
            ticks += int(child[11]) + int(child[12])
    return ticks / TICKS


def memory_mb(pid: int) -> float:
    """Memory that the process holds now."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_000_000
