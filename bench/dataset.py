"""Requests by the million: a few made through the API, and the rest copied from them by SQL.

What is copied was written by the service itself, so it can read every row. Names, words, partners, people,
times and ids differ from row to row.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from bench import payloads
from bench.keys import Keys
from bench.payloads import PARTNERS, SENTENCES, SENTENCES_OF_A_DESCRIPTION, Language
from bench.postgres import Postgres
from bench.service import Service

DESKS = {"pad": 5, "gps": 3, "tpd": 2}
"""How much of the work each desk has, in tenths."""

STATES = {
    "completed": 620, "rejected": 110, "cancelled": 70, "ineligible": 80, "draft": 15,
    "submitted": 25, "in_review": 25, "action_required": 10, "accepted": 10, "scheduled": 15,
    "in_progress": 15, "on_hold": 5,
}
"""How many of a thousand requests are in each state: most are closed."""

CLOSED = ["completed", "rejected", "cancelled", "ineligible"]
BATCH = 10_000
DAYS = 730
DAY_MS = 86_400_000

Step = tuple[str, dict[str, Any]]
"""Who takes it, and what is sent."""

_REVIEW: list[Step] = [("member", {"to": "in_review"})]
_ACCEPT: list[Step] = [*_REVIEW, ("member", {"to": "accepted", "approved_hours": 12})]
_SCHEDULE: list[Step] = [*_ACCEPT, ("member", {
    "to": "scheduled", "assignee": {"name": "Ada Archer"}, "starts_on": "2029-01-11",
    "ends_on": "2029-01-13"})]
_BEGIN: list[Step] = [*_SCHEDULE, ("member", {"to": "in_progress"})]

PATHS: dict[str, list[Step]] = {
    "submitted": [],
    "in_review": _REVIEW,
    "action_required": [*_REVIEW, ("member", {
        "to": "action_required", "fields": ["needed_by"], "reason": "By when?"})],
    "accepted": _ACCEPT,
    "scheduled": _SCHEDULE,
    "in_progress": _BEGIN,
    "on_hold": [*_BEGIN, ("member", {
        "to": "on_hold", "reason": "The customer moves house.", "resume_on": "2029-02-01"})],
    "completed": [*_BEGIN, ("member", {
        "to": "completed", "outcome": "The design is agreed with the customer."})],
    "rejected": [*_REVIEW, ("member", {"to": "rejected", "reason": "No capacity."})],
    "cancelled": [("requester", {"to": "cancelled", "reason": "The customer chose otherwise."})],
}
"""The steps by which a submitted request comes into a state."""


@dataclass(frozen=True)
class Loaded:
    """What loading took."""

    rows: int
    seconds: float
    megabytes: float


def partner_number(number: int) -> int:
    return 4_000_000 + number % PARTNERS


class _Templates:
    """Makes one request for each desk and state through the API."""

    def __init__(self, service: Service, keys: Keys) -> None:
        self.service = service
        self.callers = {"requester": keys.requester, "member": keys.member}
        self.language = Language()
        self.made = 0

    def make(self) -> list[tuple[str, str, str]]:
        """Ids with desk and state."""
        found = []
        for desk in DESKS:
            for state, steps in PATHS.items():
                found.append((self._walk(desk, steps), desk, state))
            draft = {**payloads.eligible(self.language, desk), "draft": True}
            found.append((self._create(draft, 201), desk, "draft"))
        refused = self._create(payloads.ineligible(self.language), 422)
        return [*found, *((refused, desk, "ineligible") for desk in DESKS)]

    def _walk(self, desk: str, steps: list[Step]) -> str:
        request = self._create(payloads.eligible(self.language, desk), 201)
        for who, step in steps:
            self._post(f"/v1/requests/{request}/transitions", who, payloads.filled(step, 0, 0), 200)
        return request

    def _create(self, body: dict[str, Any], expected: int) -> str:
        self.made += 1
        text = payloads.filled(body, partner_number(self.made), self.made)
        answer = self._post("/v1/requests", "requester", text, expected)
        return str(answer["id"] if expected == 201 else answer["request"]["id"])

    def _post(self, path: str, who: str, body: str, expected: int) -> Any:
        answer = self.service.ask("POST", path, self.callers[who], body)
        if answer.status != expected:
            raise RuntimeError(f"{path}: {answer.status} {answer.body}")
        return answer.body


def _columns(postgres: Postgres, database: str, table: str) -> list[str]:
    """The columns that are written: not those that Postgres numbers."""
    rows = postgres.rows(database, f"""
        select column_name from information_schema.columns
        where table_schema = 'public' and table_name = '{table}' and is_identity = 'NO'
        order by ordinal_position""")
    return [row[0] for row in rows]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _prepare(postgres: Postgres, database: str, rows: int,
             templates: list[tuple[str, str, str]]) -> None:
    """Makes what the copies are put together from, in a schema that the service does not look at."""
    language = Language()
    sentences = ",".join(f"({number}, {_quoted(text)})"
                         for number, text in enumerate(language.sentences))
    weights = ",".join(f"('{request}'::uuid, '{desk}', '{state}', {DESKS[desk] * STATES[state]})"
                       for request, desk, state in templates)
    now = int(time.time() * 1000)
    # An id begins with a time, as the service's do; what follows tells the row's number.
    postgres.run(database, f"""
        create schema bench;
        create table bench.clock as
            select now() - interval '{DAYS} days' as begins, now() - interval '1 minute' as ends;
        create table bench.sentences (id int primary key, text text not null);
        insert into bench.sentences values {sentences};
        create table bench.templates (id uuid primary key, desk text, state text, weight int);
        insert into bench.templates values {weights} on conflict do nothing;
        create table bench.requests as
            select r.* from requests r join bench.templates template on template.id = r.id;
        create table bench.events as
            select e.* from request_events e join bench.templates template on template.id = e.request_id;
        create table bench.slots (slot int primary key, template uuid not null, state text not null);
        insert into bench.slots
            select row_number() over (order by md5(id::text || share)) - 1, id, state
            from bench.templates, generate_series(1, weight) as share;
        analyze bench.sentences, bench.templates, bench.requests, bench.events, bench.slots;
        create function bench.number(n bigint, salt int, below bigint) returns bigint
            language sql immutable parallel safe
            as $$ select (hashint8extended(n, salt) & 9223372036854775807) % below $$;
        create function bench.uuid_at(ms bigint, variant text, n bigint) returns uuid
            language sql immutable parallel safe
            as $$ select (lpad(to_hex(ms), 12, '0') || '7' || lpad(to_hex(n & 4095), 3, '0')
                          || variant || lpad(to_hex(n), 15, '0'))::uuid $$;
        -- Written so that Postgres makes them part of the statement that calls them: each argument stands in them once.
        create function bench.fresh_uuid(n bigint, variant int) returns uuid
            language sql stable parallel safe
            as $$ select (lpad(to_hex((extract(epoch from now()) * 1000)::bigint), 12, '0') || '70008'
                          || lpad(to_hex(variant), 2, '0') || lpad(to_hex(n), 13, '0'))::uuid $$;
        create function bench.fresh_hash(n bigint, variant int) returns bytea
            language sql immutable parallel safe
            as $$ select sha256(int8send(n) || int4send(variant)) $$;
        create function bench.pool_id(n bigint) returns uuid
            language sql immutable parallel safe
            as $$ select bench.uuid_at({now}, 'b', n) $$;
        create function bench.request_id(n bigint) returns uuid
            language sql immutable parallel safe
            as $$ select bench.uuid_at({now - DAYS * DAY_MS} + n * {DAYS * DAY_MS // rows}, '9', n) $$;
        """)


def _copy(postgres: Postgres, database: str, first: int, last: int, identity: str, slot: str,
          created: str) -> str:
    """SQL that copies requests and their events for the numbers from first to last."""
    descriptions = " || ' ' || ".join(f"s{k}.text" for k in range(SENTENCES_OF_A_DESCRIPTION))
    joins = "\n".join(f"join bench.sentences s{k} on s{k}.id = bench.number(n, {k}, {SENTENCES})"
                      for k in range(SENTENCES_OF_A_DESCRIPTION))
    partner = f"(4000000 + bench.number(n, 100, {PARTNERS}))::text"
    partner_name = f"'Partner ' || {partner} || ' Consulting'"
    customer = "lpad(n::text, 9, '0')"
    customer_name = f"'Fabrikam ' || {customer} || ' Bank'"
    title = f"'Landing zone for customer ' || {customer}"
    changed = f"""case when slot.state in ({", ".join(map(_quoted, CLOSED))})
        then least(made_at + bench.number(n, 101, 60) * interval '12 hours', ends)
        else greatest(made_at, ends - bench.number(n, 101, 240) * interval '30 minutes') end"""
    requests = {
        "id": identity,
        "reference": "upper(substr(t.reference, 1, 3)) || '-2024-' || lpad(n::text, 9, '0')",
        "facts": f"""t.facts::jsonb || jsonb_build_object(
            'title', {title},
            'description', {descriptions},
            'partner', (t.facts -> 'partner')::jsonb || jsonb_build_object(
                'mpn_id', {partner}, 'name', {partner_name}),
            'customer', (t.facts -> 'customer')::jsonb || jsonb_build_object(
                'name', {customer_name}))""",
        "customer_key": f"'fabrikam ' || {customer} || ' bank'",
        "owner_subject": "'person-' || bench.number(n, 102, 2000) || '@bench.example'",
        "submitted_by": "'person-' || bench.number(n, 102, 2000) || '@bench.example'",
        "requested_by": """t.requested_by::jsonb || jsonb_build_object(
            'email', 'person-' || bench.number(n, 102, 2000) || '@bench.example')""",
        "title": title,
        "partner_mpn_id": partner,
        "partner_name": partner_name,
        "customer_name": customer_name,
        "created_at": "made_at",
        "updated_at": "moved_at",
        "state_since": "moved_at",
    }
    at = """(made_at + (moved_at - made_at)
            * ((e.request_version - 1)::float8 / greatest(t.version - 1, 1)))"""
    events = {
        "id": f"bench.uuid_at((extract(epoch from {at}) * 1000)::bigint, 'a', n * 16 + e.request_version)",
        "request_id": identity,
        "transaction_number": "pg_current_xact_id()::text::bigint",
        "at": at,
    }
    wanted = _columns(postgres, database, "requests")
    told = _columns(postgres, database, "request_events")
    chosen = f"""from generate_series({first}::bigint, {last}::bigint) as n
            cross join bench.clock
            {slot}
            join bench.requests t on t.id = slot.template
            cross join lateral (select {created} as made_at) as creation
            cross join lateral (select {changed} as moved_at) as change"""
    # The order of ids is that of time, and so is that of the events. No trigger, and no foreign key that
    # would look up what was written just before.
    return f"""
        set session_replication_role = replica;
        set work_mem = '64MB';
        set synchronous_commit = off;
        begin;
        insert into requests ({", ".join(wanted)})
            select {", ".join(requests.get(name, "t." + name) for name in wanted)}
            {chosen}
            {joins}
            order by n;
        insert into request_words (request_id, created_at, words)
            select r.id, r.created_at, stretches(r.created_at) || marks(r.desk, r.submitted_by, r.service)
                || to_tsvector('simple', concat_ws(' ', replace(r.reference, '-', ' '), r.title,
                r.facts ->> 'description', r.partner_name, r.customer_name))
            from (select {identity} as id from generate_series({first}::bigint, {last}::bigint) as n) as made
            join requests r using (id)
            order by r.created_at;
        insert into request_events ({", ".join(told)})
            select {", ".join(events.get(name, "e." + name) for name in told)}
            {chosen}
            join bench.events e on e.request_id = t.id
            order by e.request_version, n;
        commit;"""


def load(postgres: Postgres, database: str, service: Service, keys: Keys, rows: int) -> Loaded:
    """Fills the database."""
    began = time.monotonic()
    _prepare(postgres, database, rows, _Templates(service, keys).make())
    indexes = _drop_indexes(postgres, database) if rows >= 50_000 else []

    def batch(first: int) -> None:
        last = min(first + BATCH - 1, rows)
        postgres.run(database, _copy(
            postgres, database, first, last, "bench.request_id(n)",
            "join bench.slots slot on slot.slot = bench.number(n, 99, (select count(*) from bench.slots))",
            f"begins + (ends - begins) * (n::float8 / {rows})"))

    with ThreadPoolExecutor(2) as workers:
        for _ in workers.map(batch, range(1, rows + 1, BATCH)):
            pass
    for index in indexes:
        postgres.run(database, index + ";")
    postgres.run(database, "vacuum (analyze);")
    postgres.run(database, "checkpoint;")
    size = postgres.value(database, f"select pg_database_size('{database}')")
    return Loaded(rows, time.monotonic() - began, int(size) / 1_000_000)


def add_pool(postgres: Postgres, database: str, first: int, count: int) -> None:
    """Adds submitted requests at the Partner Architecture Desk, each to be moved once."""
    postgres.run(database, _copy(
        postgres, database, first, first + count - 1, "bench.pool_id(n)",
        """join (select id as template, state from bench.templates
                 where state = 'submitted' and desk = 'pad') as slot on true""",
        "ends"))
    sort_in_words(postgres, database)


def sort_in_words(postgres: Postgres, database: str) -> None:
    """As the service does within a second of what it writes itself; until then every search reads a list of them."""
    postgres.run(database, "select gin_clean_pending_list('request_words_by_word');")


def _drop_indexes(postgres: Postgres, database: str) -> list[str]:
    """Drops all indexes but those of primary keys, and gives the SQL that makes them again."""
    rows = postgres.rows(database, """
        select format('alter table %s drop constraint %I', conrelid::regclass, conname),
               format('alter table %s add constraint %I %s', conrelid::regclass, conname,
                      pg_get_constraintdef(oid))
        from pg_constraint
        where contype = 'u' and conrelid in ('requests'::regclass, 'request_events'::regclass)
        union all
        select format('drop index %s', index.indexrelid::regclass),
               concat_ws('; ', pg_get_indexdef(index.indexrelid), (
                   select string_agg(format('alter index %s alter column %s set statistics %s', attrelid::regclass,
                                            attnum, attstattarget), '; ')
                   from pg_attribute where attrelid = index.indexrelid and attstattarget >= 0))
        from pg_index index
        where index.indrelid in ('requests'::regclass, 'request_words'::regclass,
                                 'request_events'::regclass)
              and not exists (select from pg_constraint where conindid = index.indexrelid)""")
    for drop, _ in rows:
        postgres.run(database, drop + ";")
    return [make for _, make in rows]
