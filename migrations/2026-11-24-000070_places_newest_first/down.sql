drop function newest_first(tsquery, timestamptz);

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
