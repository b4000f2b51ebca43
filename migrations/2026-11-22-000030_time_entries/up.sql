create table time_entries (
    id uuid primary key,
    request_id uuid not null references requests (id),
    hours double precision not null check (hours > 0),
    worked_on date not null,
    note text,
    logged_by text not null,
    created_at timestamptz not null
);

create index time_entries_by_request on time_entries (request_id, created_at, id);

alter table request_events drop constraint request_events_kind_check;
alter table request_events add constraint request_events_kind_check
    check (kind in ('created', 'transitioned', 'revised', 'hours_logged'));
