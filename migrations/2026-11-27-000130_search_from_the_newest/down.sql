drop function newest_with(tsquery, tsquery, timestamptz, uuid, timestamptz, uuid, bigint);

create function stretch(level integer, second bigint) returns text
language sql immutable parallel safe
as $$ select '~' || level::text || ':' || (second >> 4 * (level + 1))::text $$;

alter function stretches(timestamptz) rename to stretches_before;

create function stretches(at timestamptz) returns tsvector
language sql stable parallel safe
as $$
    select array_to_tsvector(array[
        stretch(0, second_of(at)), stretch(1, second_of(at)), stretch(2, second_of(at)),
        stretch(3, second_of(at)), stretch(4, second_of(at)), stretch(5, second_of(at))
    ])
$$;

create function marks_of(request uuid) returns tsvector
language sql stable
as $$ select marks(desk, submitted_by, service) from requests where id = request $$;

do $$
begin
    set local default_toast_compression = 'lz4';
exception when invalid_parameter_value then
    raise notice 'this Postgres was built without lz4';
end
$$;
alter table request_words alter column words type tsvector using
    ts_delete(words, tsvector_to_array(stretches_before(created_at) || marks_of(request_id))) || stretches(created_at);
do $$
begin
    alter table request_words alter column words set compression lz4;
exception when feature_not_supported then
    raise notice 'this Postgres was built without lz4';
end
$$;

drop function stretches_before(timestamptz);
drop function stretch(bigint, integer);
drop function marks_of(uuid);
drop function marks(text, text, text);

create function newest_first(words tsquery, before timestamptz)
returns table (condition tsquery, since timestamptz, until timestamptz)
language sql stable
as $$
    with newest as materialized (
        select second_of(at) as second, second_of(at) - second_of((
                select created_at from requests where created_at <= at order by created_at desc offset 63 limit 1
            )) as seconds
        from (select least(before, (select max(created_at) from requests)) as at) as bound
    ), places as materialized (
        select level,
            format('%L | %L', stretch(level, second), stretch(level, second - size))::tsquery as condition,
            to_timestamp((second / size - 1) * size) as since
        from newest, generate_series(0, 5) as level, lateral (select 16::bigint << 4 * level as size) as sizes
        where size >= seconds
        union all
        select 6, words, '-infinity'
    ), in_order as materialized (
        select places.condition, places.since, lag(places.since, 1, 'infinity') over (order by level) as until
        from places
        order by level
    )
    select * from in_order
$$;
