-- History is never changed, so lines that tell of logged hours stay; only new ones are refused again.
alter table request_events drop constraint request_events_kind_check;
alter table request_events add constraint request_events_kind_check
    check (kind in ('created', 'transitioned', 'revised')) not valid;

drop table time_entries;
