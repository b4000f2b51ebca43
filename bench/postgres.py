"""A private Postgres for one run: default durability, a Unix socket, and gone at the end."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.processes import cpu_seconds_of_family

PROGRAMS = Path(os.environ.get("POSTGRES_BIN", "/usr/lib/postgresql/15/bin"))
# Not the name of a schema: that would come first when tables are looked for.
OWNER = "engagement_desk"

# Durability is left as Postgres ships it: fsync, synchronous_commit and full_page_writes are on.
SETTINGS = {
    "shared_buffers": "512MB",
    "max_connections": "50",
    "max_wal_size": "8GB",
    "min_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "maintenance_work_mem": "1GB",
    "listen_addresses": "''",
    # What is logged can be read again by a program: see capture.py.
    "logging_collector": "on",
    "log_destination": "'jsonlog'",
    "log_filename": "'postgres.log'",
    "log_rotation_size": "0",
    "log_rotation_age": "0",
    "log_file_mode": "0644",
    "log_parameter_max_length": "-1",
}

LOG_GIGABYTES = 4
"""How much of the write-ahead log there is to be written over before anything is measured."""


class Postgres:
    """A running server."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self.folder = folder
        self.process = process

    @property
    def socket(self) -> Path:
        return self.folder

    @property
    def log(self) -> Path:
        return self.folder / "data" / "log" / "postgres.json"

    def url(self, database: str) -> str:
        """The address as the service takes it."""
        host = str(self.socket).replace("/", "%2F")
        return f"postgres://{OWNER}@{host}/{database}"

    def arguments(self, database: str) -> list[str]:
        """How a program of Postgres is told where the server is."""
        return ["--host", str(self.socket), "--username", OWNER, database]

    def run(self, database: str, sql: str) -> str:
        """What psql prints for the SQL, unaligned and without headings."""
        words = [str(PROGRAMS / "psql"), "--no-psqlrc", "--quiet", "--tuples-only", "--no-align"]
        done = subprocess.run(
            [*words, "--set", "ON_ERROR_STOP=1", *self.arguments(database)],
            input=sql, text=True, capture_output=True, check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"psql: {done.stderr.strip()}\n{sql[:2000]}")
        return done.stdout.strip()

    def rows(self, database: str, query: str) -> list[list[str]]:
        """The rows of a query as text; nothing in them may have a tab or a line's end."""
        answer = self.run(database, f"copy ({query}) to stdout;")
        return [line.split("\t") for line in answer.splitlines()]

    def value(self, database: str, query: str) -> str:
        return self.run(database, f"{query};")

    def set(self, name: str, value: str) -> None:
        """Changes a setting of all sessions, those that are open too."""
        self.run("postgres", f"alter system set {name} = '{value}';")
        self.run("postgres", "select pg_reload_conf();")
        time.sleep(0.3)

    def create(self, database: str) -> None:
        self.run("postgres", f"drop database if exists {database} with (force);")
        self.run("postgres", f"create database {database};")

    def drop(self, database: str) -> None:
        self.run("postgres", f"drop database if exists {database} with (force);")

    def log_entries(self, since: int) -> Iterator[dict[str, object]]:
        """What was logged from this byte of the log on."""
        with self.log.open("rb") as log:
            log.seek(since)
            for line in log:
                yield json.loads(line)

    def cpu_seconds(self) -> float:
        return cpu_seconds_of_family(self.process.pid)


def version() -> str:
    told = subprocess.check_output([PROGRAMS / "postgres", "--version"], text=True)
    return re.sub(r"^postgres \(PostgreSQL\) ", "", told.strip())


class NotFollowing(Exception):
    """No standby could be made."""


@contextmanager
def running() -> Iterator[Postgres]:
    """Runs a server in a new folder until the block ends."""
    with _running_on(["initdb", "--username", OWNER, "--auth", "trust", "--encoding", "UTF8",
                      "--locale", "C.UTF-8", "--allow-group-access"]) as server:
        _write_log(server)
        yield server


def _write_log(server: Postgres) -> None:
    """Has files of the write-ahead log ready to be used again, as a server has them that has run for a while. A new one
    would make each of them first, and everybody who commits would wait until it is filled with zeros and on the disk."""
    server.run("postgres", f"""
        select pg_logical_emit_message(false, '', repeat('.', 1024 * 1024)) from generate_series(1, {LOG_GIGABYTES} * 1024);
        checkpoint;""")


@contextmanager
def following(primary: Postgres) -> Iterator[Postgres]:
    """Runs a hot standby of the server until the block ends, which begins when it has caught up."""
    stack = ExitStack()
    try:
        server = stack.enter_context(_running_on(
            ["pg_basebackup", "--host", str(primary.socket), "--username", OWNER, "--write-recovery-conf",
             "--checkpoint", "fast"]))
        reached = primary.value("postgres", "select pg_current_wal_flush_lsn()")
        _wait_until_replayed(server, reached)
    except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
        stack.close()
        raise NotFollowing(str(error)) from error
    with stack:
        yield server


@contextmanager
def _running_on(making: list[str]) -> Iterator[Postgres]:
    """Makes the data of a server by a program of Postgres, and runs it until the block ends."""
    # On a disk and not in memory, and where another user gets in: Postgres refuses to run as root.
    folder = Path(tempfile.mkdtemp(prefix="desk-bench-", dir="/var/tmp"))
    user = "postgres" if os.getuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    folder.chmod(0o755)
    data = folder / "data"
    process: subprocess.Popen[bytes] | None = None
    try:
        subprocess.run(
            [PROGRAMS / making[0], "--pgdata", data, *making[1:]], check=True, stdout=subprocess.DEVNULL, user=user, cwd="/",
        )
        options = [word for name, value in SETTINGS.items()
                   for word in ("-c", f"{name}={value.strip(chr(39))}")]
        with (folder / "output").open("wb") as output:
            process = subprocess.Popen(
                [PROGRAMS / "postgres", "-D", data, "-k", folder, *options],
                user=user, cwd="/", stdout=output, stderr=output,
            )
        server = Postgres(folder, process)
        _wait_until_ready(server)
        yield server
    finally:
        if process is not None:
            process.terminate()
            process.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_ready(server: Postgres) -> None:
    for _ in range(300):
        if server.process.poll() is not None:
            raise RuntimeError((server.folder / "output").read_text())
        ready = subprocess.run(
            [PROGRAMS / "pg_isready", "--quiet", "--host", server.socket], check=False
        )
        if ready.returncode == 0:
            return
        time.sleep(0.1)
    raise RuntimeError("Postgres is not ready after 30 seconds")


def _wait_until_replayed(standby: Postgres, position: str) -> None:
    for _ in range(600):
        if standby.value("postgres", f"select pg_last_wal_replay_lsn() >= '{position}'") == "t":
            return
        time.sleep(0.1)
    raise RuntimeError("The standby has not caught up after a minute")
