-- Words and stretches of time are looked for as two conditions: Postgres then leaps between their lists, where for one
-- condition it went through the whole of the shortest.
drop function newest_first(tsquery, timestamptz);

-- Where to look for the newest requests with certain words, created at or before a time: first in the last stretch or
-- two that have some sixty requests, whatever their words, then in what is left of the last two that are 16 times as
-- long, and so on, at last everywhere. So the pages of rare words and of common ones are found by looking at a few
-- times what they show. The last place has the words themselves for its condition, as every place needs one.
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
