-- Who asked for which write, from where, and what came of it. What was sent is not here, nor what was answered.
create table audit (
    id uuid not null,
    at timestamptz not null,
    subject text not null,
    role text not null,
    key_id text not null,
    -- Absent for what was not asked for over HTTP.
    address text,
    method text,
    route text,
    http_request_id text,
    status smallint check (status between 100 and 599),
    action text not null,
    object text,
    outcome text not null check (outcome in ('done', 'replayed', 'refused', 'failed')),
    code text,
    -- Newest first is how it is read.
    primary key (at, id)
);

create index audit_by_subject on audit (subject, at, id);
create index audit_by_object on audit (object, at, id) where object is not null;
create index audit_by_action on audit (action, at, id);
create index audit_of_what_was_not_done on audit (outcome, at, id) where outcome <> 'done';

create trigger audit_is_never_changed
    before update or delete on audit
    for each row execute function refuse_to_change_history();

create trigger audit_is_never_emptied
    before truncate on audit
    for each statement execute function refuse_to_change_history();
