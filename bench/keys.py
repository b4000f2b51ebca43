"""Keys: one for each role through the command line, and many dashboards at once through SQL."""

from __future__ import annotations

import hashlib
import subprocess
import zlib
from dataclasses import dataclass
from pathlib import Path

from bench.postgres import Postgres
from bench.service import environment


@dataclass(frozen=True)
class Keys:
    requester: str
    member: str
    """Of all desks: it makes the requests that the data set is copied from."""
    pad: str
    """Of the Partner Architecture Desk alone."""
    viewer: str
    admin: str


def make(binary: Path, database_url: str) -> Keys:
    """Makes a key for each role as an operator would."""
    def create(subject: str, *options: str) -> str:
        words = [str(binary), "keys", "create", "--subject", f"{subject}@bench.example", *options]
        done = subprocess.run(words, env=environment(database_url), capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return done.stdout.strip()

    return Keys(
        requester=create("requester", "--role", "requester", "--relationship", "pdm"),
        member=create("member", "--role", "desk_member", "--desk", "pad", "--desk", "gps",
                      "--desk", "tpd"),
        pad=create("pad", "--role", "desk_member", "--desk", "pad"),
        viewer=create("viewer", "--role", "viewer"),
        admin=create("admin", "--role", "admin"),
    )


def make_viewers(postgres: Postgres, database: str, count: int) -> list[str]:
    """Makes keys of so many dashboards, in the text form of src/credentials.rs."""
    texts, rows = [], []
    for number in range(count):
        key_id = f"bench{number:07d}"
        secret = hashlib.sha256(key_id.encode()).hexdigest()[:43]
        body = f"edk_{key_id}_{secret}"
        texts.append(f"{body}_{zlib.crc32(body.encode()):08x}")
        digest = hashlib.sha256(secret.encode()).hexdigest()
        rows.append(f"('{key_id}', '\\x{digest}', 'dashboard-{number}@bench.example')")
    postgres.run(database, f"""
        insert into api_keys (id, secret_hash, subject, name, role, desks, partners, created_at,
                              created_by, expires_at)
        select id, hash::bytea, subject, subject, 'viewer', '{{}}', '{{}}', now(), 'bench',
               now() + interval '1 day'
        from (values {", ".join(rows)}) as key (id, hash, subject)
        on conflict (id) do nothing;""")
    return texts
