"""A peer for comparison: FastAPI and asyncpg over the same tables, in the same transactions.

It does what the service does to the database and no more: no rules are asked (a stored decision is taken again), and no
body is checked beyond its syntax. So it is a lower bound of the work, and its figures flatter it.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
from fastapi import FastAPI, Request, Response

COLUMNS = """id, reference, desk, state, version, facts, decision, progress, requested_by, owner_subject,
             submitted_by, created_at, updated_at, state_since"""
LINE = """id, reference, desk, state, version, service, title, priority, needed_by, partner_mpn_id,
          partner_name, customer_name, assignee, created_at, updated_at, state_since"""
OPEN = ["submitted", "exception_review", "in_review", "action_required", "accepted", "scheduled",
        "in_progress", "on_hold"]
KEY_LIVES = 0.8
"""Seconds for which a key that was looked up is known, as in the service."""


async def _prepare(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec("json", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    # Two processes with four connections each: as many as the service has.
    async with asyncpg.create_pool(os.environ["PEER_DATABASE"], min_size=4, max_size=4, init=_prepare) as pool:
        app.state.pool = pool
        app.state.keys = {}
        app.state.decision = await pool.fetchval(
            "select decision from requests where desk = 'pad' and state = 'submitted' limit 1")
        yield


app = FastAPI(lifespan=_lifespan)


async def _caller(request: Request) -> asyncpg.Record:
    _, key_id, secret, _ = request.headers["authorization"].removeprefix("Bearer ").split("_")
    known = app.state.keys.get(key_id)
    if known is None or known[0] < time.monotonic():
        row = await app.state.pool.fetchrow(
            "select id, secret_hash, subject, name, role from api_keys where id = $1 and revoked_at is null", key_id)
        known = app.state.keys[key_id] = (time.monotonic() + KEY_LIVES, row)
    if hashlib.sha256(secret.encode()).digest() != known[1]["secret_hash"]:
        raise PermissionError(key_id)
    return known[1]


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value, default=str, separators=(",", ":")), status, media_type="application/json")


@app.get("/v1/requests/{name}")
async def show(name: uuid.UUID, request: Request) -> Response:
    await _caller(request)
    row = await app.state.pool.fetchrow(f"select {COLUMNS} from requests where id = $1", name)
    return _json(dict(row)) if row else Response(status_code=404)


@app.get("/v1/requests")
async def page(request: Request, limit: int = 50) -> Response:
    await _caller(request)
    rows = await app.state.pool.fetch(
        f"select {LINE} from requests order by created_at desc, id desc limit $1", limit + 1)
    return _json({"items": [dict(row) for row in rows[:limit]]})


@app.post("/v1/requests")
async def create(request: Request) -> Response:
    caller, facts = await _caller(request), await request.json()

    async def work(connection: asyncpg.Connection, now: datetime) -> tuple[asyncpg.Record, str]:
        partner, customer = facts["partner"]["mpn_id"], facts["customer"]["name"].lower()
        await connection.fetch(
            """select reference, desk, service, solution_area_key, state, estimated_hours, progress, created_at
               from requests where array[partner_mpn_id, customer_key] = array[$1, $2]
                                   and (created_at >= $3 or state = any($4))
               order by created_at desc limit 50""", partner, customer, now - timedelta(days=90), OPEN)
        row = await connection.fetchrow(
            f"""insert into requests (id, reference, desk, state, version, solution_area_key, customer_key, facts, decision,
                                      progress, requested_by, owner_subject, submitted_by, created_at, updated_at,
                                      state_since, service, partner_mpn_id, estimated_hours, title, priority, needed_by,
                                      partner_name, customer_name, requester_name)
                values ($1, 'PAD-' || $2::integer || '-' || lpad(nextval('request_numbers')::text, 6, '0'), 'pad', 'submitted',
                        1, $3, $4, $5, $6, '{{}}', $7, $8, $8, $9, $9, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
                returning {COLUMNS}""",
            _fresh_id(now), now.year, facts["solution_area"], customer, facts, app.state.decision,
            {"name": caller["name"], "email": caller["subject"], "relationship": "pdm"}, caller["subject"], now,
            facts["service"], partner, facts.get("estimated_hours"), facts["title"], facts.get("priority"),
            facts.get("needed_by"), facts["partner"]["name"], facts["customer"]["name"], caller["name"])
        await connection.execute(
            """insert into request_words (request_id, created_at, words)
               values ($1, $2, stretches($2) || marks('pad', $4, $5) || to_tsvector('simple', $3))""",
            row["id"], now, " ".join([row["reference"].replace("-", " "), facts["title"], facts["description"],
                                      facts["partner"]["name"], facts["customer"]["name"]]), caller["subject"],
            facts["service"])
        return row, "created"

    return await _once(request, caller, work, "create_request", 201)


@app.post("/v1/requests/{name}/transitions")
async def act(name: uuid.UUID, request: Request) -> Response:
    caller, step = await _caller(request), await request.json()

    async def work(connection: asyncpg.Connection, now: datetime) -> tuple[asyncpg.Record, str]:
        before = await connection.fetchrow(f"select {COLUMNS} from requests where id = $1 for update", name)
        row = await connection.fetchrow(
            f"""update requests set state = $1, version = version + 1, decision = $2, progress = $3, updated_at = $4,
                                    state_since = $4
                where id = $5 and version = $6 and state = 'submitted' returning {COLUMNS}""",
            step["to"], before["decision"], before["progress"], now, name, before["version"])
        return row, "transitioned"

    return await _once(request, caller, work, "transition_request", 200)


async def _once(request: Request, caller: asyncpg.Record, work: Any, action: str, status: int) -> Response:
    """The work, its line of history, its line in the audit trail and its kept answer, in one transaction."""
    now, scope = datetime.now(UTC), hashlib.sha256(request.headers["idempotency-key"].encode()).digest()
    async with app.state.pool.acquire() as connection, connection.transaction():
        lock = int.from_bytes(scope[:8], signed=True)
        await connection.fetchval("select pg_try_advisory_xact_lock($1)", lock)
        kept = await connection.fetchrow("select status, body from idempotency_keys where scope = $1", scope)
        if kept:
            return Response(kept["body"], kept["status"], media_type="application/json")
        row, kind = await work(connection, now)
        if row is None:
            return Response(status_code=409)
        await connection.execute(
            """insert into request_events (id, request_id, request_version, kind, to_state, desk, changed, actor_subject,
                                           actor_name, actor_role, key_id, http_request_id, at)
               values ($1, $2, $3, $4, $5, $6, '{}', $7, $8, $9, $10, $11, $12)""",
            _fresh_id(now), row["id"], row["version"], kind, row["state"], row["desk"], caller["subject"], caller["name"],
            caller["role"], caller["id"], str(uuid.uuid4()), now)
        await connection.execute(
            """insert into audit (id, at, subject, role, key_id, address, method, route, http_request_id, status, action,
                                  object, outcome)
               values ($1, $2, $3, $4, $5, '127.0.0.1', 'POST', $6, $7, $8, $9, $10, 'done')""",
            _fresh_id(now), now, caller["subject"], caller["role"], caller["id"], request.url.path, str(uuid.uuid4()),
            status, action, str(row["id"]))
        answer = _json(dict(row), status)
        await connection.execute(
            """insert into idempotency_keys (scope, fingerprint, status, headers, body, created_at)
               values ($1, $1, $2, '[]', $3, $4)""", scope, status, bytes(answer.body), now)
    return answer


def _fresh_id(now: datetime) -> uuid.UUID:
    """An id that begins with the time, as those of version 7 do."""
    return uuid.UUID(int=int(now.timestamp() * 1000) << 80 | uuid.uuid4().int & ((1 << 80) - 1))
