"""What a run needs: programs that are installed, and programs that are built."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).parent.parent
BUILT = TOP / "target" / "bench"


@dataclass(frozen=True)
class Programs:
    """What was built."""

    service: Path
    bare: Path
    crowd: Path


def install_wrk() -> None:
    """Installs wrk where it is missing, as Debian has it."""
    if shutil.which("wrk"):
        return
    sudo = [] if os.getuid() == 0 else ["sudo"]
    subprocess.run([*sudo, "apt-get", "update", "--quiet"], check=True)
    subprocess.run([*sudo, "apt-get", "install", "--yes", "--quiet", "--no-install-recommends", "wrk"],
                   check=True)


def _build(folder: Path, target: Path) -> None:
    subprocess.run(["cargo", "build", "--release", "--locked", "--quiet"], cwd=folder, check=True,
                   env={**os.environ, "CARGO_TARGET_DIR": str(target)})


def build(given: Path | None) -> Programs:
    """Builds the helpers, and the service unless another build of it is given."""
    _build(TOP / "bench" / "bare", BUILT)
    _build(TOP / "bench" / "crowd", BUILT)
    if given is None:
        target = Path(os.environ.get("CARGO_TARGET_DIR", TOP / "target"))
        _build(TOP, target)
        given = target / "release" / "engagement-desk"
    return Programs(given.resolve(), BUILT / "release" / "bare", BUILT / "release" / "crowd")
