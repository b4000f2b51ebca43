-- The history of requests, and the outbox of everything that follows them.
create table request_events (
    position bigint generated always as identity primary key,
    -- Positions are drawn before commit: a reader of the feed stops below the oldest transaction still running.
    transaction_id xid8 not null default pg_current_xact_id(),
    id uuid not null unique,
    request_id uuid not null references requests (id),
    request_version bigint not null check (request_version > 0),
    kind text not null check (kind in ('created', 'transitioned', 'revised')),
    from_state text,
    to_state text not null,
    desk text,
    reason text,
    changed text[] not null,
    actor_subject text not null,
    actor_name text not null,
    actor_role text not null,
    key_id text not null,
    on_behalf_of text,
    http_request_id text not null,
    at timestamptz not null,
    unique (request_id, request_version)
);

create function refuse_to_change_history() returns trigger
language plpgsql
as $$
begin
    raise exception 'history is never changed' using errcode = 'restrict_violation';
end
$$;

create trigger request_events_are_never_changed
    before update or delete on request_events
    for each row execute function refuse_to_change_history();

create trigger request_events_are_never_emptied
    before truncate on request_events
    for each statement execute function refuse_to_change_history();
