"""Other services over the same tables, measured in the same way."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.operations import World
from bench.postgres import OWNER
from bench.service import Service, free_port, started
from bench.tools import TOP

PEERS = {"fastapi": ["read", "list", "create", "transition"]}
"""The operations that each peer has."""


def install(name: str) -> Path:
    """Makes the peer's environment under target/, and tells where it is."""
    place = subprocess.check_output([TOP / "scripts" / "python", f"bench/{name}"], text=True)
    return Path(place.strip())


@contextmanager
def running(name: str, environment: Path, world: World) -> Iterator[Service]:
    """Runs the peer with two processes, beside the service, which idles meanwhile."""
    port = free_port()
    url = f"postgres://{OWNER}@/{world.database}?host={world.postgres.socket}"
    command: list[str | Path] = [
        environment / "bin" / "uvicorn", "app:app", "--app-dir", TOP / "bench" / name, "--port", str(port),
        "--workers", "2", "--no-access-log", "--log-level", "warning",
    ]
    log = world.folder / f"{name}.log"
    with started(command, {**os.environ, "PEER_DATABASE": url}, port, f"/v1/requests/{world.ids(1)[0]}", log) as peer:
        yield peer
