-- Secrets that all instances on this database share, made by the first one that needs them.
create table server_secrets (
    name text primary key,
    value bytea not null
);
