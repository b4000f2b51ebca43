-- First answers, kept so that a retried write gets the same one.
create table idempotency_keys (
    scope bytea primary key check (length(scope) = 32),
    fingerprint bytea not null check (length(fingerprint) = 32),
    status smallint not null,
    headers jsonb not null,
    body bytea not null,
    created_at timestamptz not null
);

create index idempotency_keys_by_age on idempotency_keys (created_at);
