"""What processes have used: processor time and memory, from /proc."""

from __future__ import annotations

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    """The fields after the name, which may hold blanks: the first is the state."""
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    return text.rsplit(")", 1)[1].split()


def _children(pid: int) -> list[int]:
    found = []
    for other in Path("/proc").iterdir():
        if other.name.isdigit():
            try:
                if int(_stat(int(other.name))[1]) == pid:
                    found.append(int(other.name))
            except (FileNotFoundError, ProcessLookupError):
                continue
    return found


def cpu_seconds_of_family(pid: int) -> float:
    """Processor time of the process, of its children, and of those children that have ended."""
    ticks = sum(int(field) for field in _stat(pid)[11:15])
    for child in _children(pid):
        try:
            ticks += sum(int(field) for field in _stat(child)[11:13])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return ticks / TICKS


def memory_mb_of_family(pid: int) -> float:
    """Memory that the process and its children hold now; what they share counts for each."""
    pages = sum(int(Path(f"/proc/{one}/statm").read_text(encoding="utf-8").split()[1])
                for one in [pid, *_children(pid)])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_000_000
