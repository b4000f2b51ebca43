-- The words of a request stand apart from it: a step does not change them, and what stands in its row is written and
-- indexed anew with each step. The service writes them, see store/words.rs.
create table request_words (
    request_id uuid primary key,
    -- As that of the request, so that the newest are found without looking at the others.
    created_at timestamptz not null,
    words tsvector not null
);

-- A stretch of time that a moment lies in, as a word: of 16 seconds at level 0, and 16 times as long at each level more.
-- Whoever looks for the newest requests with a word looks for that and such a word together.
create function stretch(level integer, second bigint) returns text
language sql immutable parallel safe
as $$ select '~' || level::text || ':' || (second >> 4 * (level + 1))::text $$;

create function second_of(at timestamptz) returns bigint
language sql stable parallel safe
as $$ select floor(date_part('epoch', at))::bigint $$;

-- All stretches that a moment lies in. Without a FROM, so that it becomes part of the statement that calls it.
create function stretches(at timestamptz) returns tsvector
language sql stable parallel safe
as $$
    select array_to_tsvector(array[
        stretch(0, second_of(at)), stretch(1, second_of(at)), stretch(2, second_of(at)),
        stretch(3, second_of(at)), stretch(4, second_of(at)), stretch(5, second_of(at))
    ])
$$;

-- Where to look for the newest requests with certain words, created at or before a time: first in the last stretch or
-- two of level 0, then in what is left of the last two of level 1, and so on, at last everywhere. So the pages of
-- rare words and of common ones are found by looking at a few times what they show.
create function newest_first(words tsquery, before timestamptz)
returns table (query tsquery, since timestamptz, until timestamptz)
language sql stable
as $$
    with newest as materialized (
        select second_of(least(before, (select max(created_at) from requests))) as second
    ), places as materialized (
        select level,
            words && format('%L | %L', stretch(level, second), stretch(level, second - size))::tsquery
                as query,
            to_timestamp((second / size - 1) * size) as since
        from newest, generate_series(0, 5) as level, lateral (select 16::bigint << 4 * level as size) as sizes
        union all
        select 6, words, '-infinity'
    ), in_order as materialized (
        select places.query, places.since, lag(places.since, 1, 'infinity') over (order by level) as until
        from places
        order by level
    )
    select * from in_order
$$;

insert into request_words (request_id, created_at, words)
select id, created_at, stretches(created_at) || to_tsvector('simple', regexp_replace(
    reference
        || ' ' || coalesce(facts ->> 'title', '')
        || ' ' || coalesce(facts ->> 'description', '')
        || ' ' || coalesce(facts #>> '{partner,name}', '')
        || ' ' || coalesce(facts #>> '{customer,name}', '')
        || ' ' || coalesce(facts ->> 'external_reference', ''),
    '[^[:alnum:]]+', ' ', 'g'))
from requests
order by created_at;

-- New rows wait in a list, which every search reads, until the service or Postgres sorts them in.
create index request_words_by_word on request_words using gin (words);

alter table requests drop column search;

-- Pressed by the quicker method, where this Postgres has it, and only as far as is needed to stay in the row.
do $$
begin
    alter table requests alter column facts set compression lz4;
    alter table requests alter column decision set compression lz4;
    alter table idempotency_keys alter column body set compression lz4;
    alter table idempotency_keys alter column body set storage extended;
exception when feature_not_supported then
    raise notice 'this Postgres was built without lz4';
end
$$;
alter table requests set (toast_tuple_target = 4080);
