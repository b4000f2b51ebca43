"""HAProxy before several instances of the service, as operators would have it."""

from __future__ import annotations

import csv
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import service
from bench.processes import cpu_seconds_of_family
from bench.service import Service

_CONFIGURATION = """\
global
    nbthread 1
    stats socket {stats} level user
defaults
    mode http
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    option forwardfor
    http-reuse always
frontend clients
    bind 127.0.0.1:{port}
    default_backend instances
backend instances
    balance roundrobin
    option httpchk GET /readyz
    http-check expect status 200
"""


def program() -> str | None:
    """The program, where it is installed."""
    return shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def version() -> str:
    told = subprocess.check_output([str(program()), "-v"], text=True)
    return told.split()[2]


@dataclass(frozen=True)
class Fleet(Service):
    """Instances behind a balancer, which is the process here, asked and measured as one service."""

    instances: tuple[Service, ...]
    stats: Path

    def cpu_seconds(self) -> float:
        return sum(one.cpu_seconds() for one in self.instances)

    def memory_mb(self) -> float:
        return max(one.memory_mb() for one in self.instances)

    def balancer_seconds(self) -> float:
        return cpu_seconds_of_family(self.process.pid)

    def answered(self) -> list[int]:
        """Requests that each instance has answered, as the balancer counts them."""
        rows = [row for row in self._told() if row["svname"].startswith("instance")]
        kinds = [f"hrsp_{kind}" for kind in ("1xx", "2xx", "3xx", "4xx", "5xx", "other")]
        return [sum(int(row[kind] or 0) for kind in kinds) for row in rows]

    def _told(self) -> list[dict[str, str]]:
        with socket.socket(socket.AF_UNIX) as stats:
            stats.connect(str(self.stats))
            stats.sendall(b"show stat\n")
            text = b"".join(iter(lambda: stats.recv(65_536), b"")).decode()
        return list(csv.DictReader(text.removeprefix("# ").splitlines()))


@contextmanager
def running(binary: Path, database_url: str, folder: Path, count: int) -> Iterator[Fleet]:
    """Runs so many instances behind a balancer until the block ends; each has a log of its own in the folder."""
    with ExitStack() as stack:
        instances = tuple(
            stack.enter_context(service.running(binary, database_url, folder / f"instance-{number}.log",
                                                ED_TRUSTED_PROXIES="127.0.0.1"))
            for number in range(count))
        port, stats, path = service.free_port(), folder / "balancer.sock", folder / "balancer.cfg"
        servers = [f"    server instance{number} 127.0.0.1:{one.port} check inter 200ms\n"
                   for number, one in enumerate(instances)]
        path.write_text(_CONFIGURATION.format(stats=stats, port=port) + "".join(servers), encoding="utf-8")
        command: list[str | Path] = [str(program()), "-db", "-f", path]
        one = stack.enter_context(service.started(command, dict(os.environ), port, "/livez", folder / "balancer.log"))
        yield Fleet(one.process, one.port, one.seconds_to_start, instances, stats)
