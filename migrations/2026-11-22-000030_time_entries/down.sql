-- History is never changed, so lines that tell of logged hours stay; only new ones are refused again.
alter table request_events drop constraint request_events_kind_check;
alter table request_events add constraint request_events_kind_check
    check (kind in ('created', 'transitioned', 'revised')) not valid;
do $$
begin
    if not exists (select from request_events where kind = 'hours_logged') then
        alter table request_events validate constraint request_events_kind_check;
    end if;
end
$$;

drop table time_entries;
