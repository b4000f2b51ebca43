"""Holds a process to a part of a core, where the machine allows that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PERIOD_US = 10_000
_GROUPS = Path("/sys/fs/cgroup")


def _settings(cores: float) -> tuple[Path, dict[str, str]]:
    """Where groups are made, and what is written into one: the first version of them has a folder for processors."""
    share = str(round(cores * PERIOD_US))
    if (_GROUPS / "cpu").is_dir():
        return _GROUPS / "cpu", {"cpu.cfs_period_us": str(PERIOD_US), "cpu.cfs_quota_us": share}
    return _GROUPS, {"cpu.max": f"{share} {PERIOD_US}"}


@contextmanager
def held(pid: int, cores: float) -> Iterator[bool]:
    """Holds the process to so much until the block ends; tells whether that is allowed here."""
    parent, settings = _settings(cores)
    group = parent / f"desk-bench-{pid}"
    try:
        group.mkdir()
        for name, value in settings.items():
            (group / name).write_text(value, encoding="utf-8")
        (group / "cgroup.procs").write_text(str(pid), encoding="utf-8")
        is_held = True
    except OSError:
        is_held = False
    try:
        yield is_held
    finally:
        if is_held:
            (parent / "cgroup.procs").write_text(str(pid), encoding="utf-8")
        if group.is_dir():
            group.rmdir()
