"""The service under test: started as operators start it, with everything switched on."""

from __future__ import annotations

import http.client
import json
import os
import resource
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.processes import cpu_seconds_of_family, memory_mb_of_family

# Quotas are counted, and so high that they refuse nobody here.
SETTINGS = {
    "ED_QUOTA_REQUESTS": "1000000/1s",
    "ED_QUOTA_WRITES": "1000000/1s",
    "ED_QUOTA_CONCURRENT": "1000000",
    "RUST_LOG": "info",
}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Service:
    """A running service."""

    process: subprocess.Popen[bytes]
    port: int
    seconds_to_start: float

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cpu_seconds(self) -> float:
        return cpu_seconds_of_family(self.process.pid)

    def memory_mb(self) -> float:
        return memory_mb_of_family(self.process.pid)

    def ask(self, method: str, path: str, key: str, body: str | None = None,
            headers: dict[str, str] | None = None) -> Answer:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            return ask(connection, method, path, key, body, headers)
        finally:
            connection.close()


def ask(connection: http.client.HTTPConnection, method: str, path: str, key: str,
        body: str | None = None, headers: dict[str, str] | None = None) -> Answer:
    """One request on this connection."""
    sent = {"Authorization": f"Bearer {key}", **(headers or {})}
    if body is not None:
        sent["Content-Type"] = "application/json"
    connection.request(method, path, body, sent)
    answer = connection.getresponse()
    content = answer.read()
    told = {name.lower(): value for name, value in answer.getheaders()}
    return Answer(answer.status, told, json.loads(content) if content else None)


def environment(database_url: str, **more: str) -> dict[str, str]:
    """That of the service: nothing that is set outside changes what is measured."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith("ED_") and name != "DATABASE_READ_URL"}
    return {**kept, **SETTINGS, "DATABASE_URL": database_url, **more}


def allow_many_files() -> None:
    """Every connection is an open file, here and in the programs started from here."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(binary: Path, database_url: str, log: Path, **more: str) -> Iterator[Service]:
    """Runs the service, with more settings, until the block ends; the log goes to the file."""
    port = free_port()
    settings = environment(database_url, ED_LISTEN=f"127.0.0.1:{port}", ED_DRAIN_DELAY="0s", **more)
    with started([binary, "serve"], settings, port, "/livez", log) as service:
        yield service


@contextmanager
def started(command: list[str | Path], settings: dict[str, str], port: int, probe: str,
            log: Path) -> Iterator[Service]:
    """Runs a command that serves the port until the block ends, which begins when the probe is answered."""
    with log.open("ab") as errors:
        began = time.monotonic()
        process = subprocess.Popen(command, env=settings, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=errors)
    try:
        yield Service(process, port, _wait_until_alive(process, port, probe, began, log))
    finally:
        process.terminate()
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_alive(process: subprocess.Popen[bytes], port: int, probe: str, began: float,
                      log: Path) -> float:
    while time.monotonic() - began < 60:
        if process.poll() is not None:
            raise RuntimeError(f"It did not start: {log.read_text()[-2000:]}")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
        try:
            connection.request("GET", probe)
            connection.getresponse()
            return time.monotonic() - began
        except OSError:
            time.sleep(0.001)
        finally:
            connection.close()
    raise RuntimeError("It is not alive after 60 seconds")
