alter table requests reset (toast_tuple_target);
alter table idempotency_keys alter column body set storage external;
alter table idempotency_keys alter column body set compression default;
alter table requests alter column decision set compression default;
alter table requests alter column facts set compression default;

alter table requests add column search tsvector not null generated always as (
    to_tsvector('simple',
        reference || ' ' || replace(reference, '-', ' ')
        || ' ' || coalesce(facts ->> 'title', '')
        || ' ' || coalesce(facts ->> 'description', '')
        || ' ' || coalesce(facts #>> '{partner,name}', '')
        || ' ' || coalesce(facts #>> '{customer,name}', '')
        || ' ' || coalesce(facts ->> 'external_reference', '')
        || ' ' || replace(coalesce(facts ->> 'external_reference', ''), '-', ' ')
    )
) stored;
create index requests_by_words on requests using gin (search);

drop table request_words;
drop function newest_first(tsquery, timestamptz);
drop function stretches(timestamptz);
drop function second_of(timestamptz);
drop function stretch(integer, bigint);
