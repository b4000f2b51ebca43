drop function newest_with(tsquery, tsquery, text[], timestamptz, uuid, timestamptz, uuid, bigint);

create function newest_with(
    looked_for tsquery,
    within tsquery,
    after_at timestamptz, after_id uuid,
    before_at timestamptz, before_id uuid,
    wanted bigint
)
returns table (id uuid, created_at timestamptz)
language plpgsql stable rows 50
as $$
#variable_conflict use_column
declare
    newest constant timestamptz := least(before_at, (select max(created_at) from requests));
    oldest timestamptz;
    second constant bigint := second_of(newest);
    -- Null where there are fewer requests.
    seconds bigint := second - second_of((
        select created_at from requests where created_at <= newest order by created_at desc offset 63 limit 1
    )) + 1;
    since timestamptz;
    until timestamptz := 'infinity';
    left_out integer;
    condition tsquery;
    found_now bigint;
    found_so_far bigint := 0;
begin
    loop
        -- The shortest stretches of which sixteen or one more are enough.
        left_out := 0;
        while left_out < 6 and seconds >> 4 * left_out > 16 loop
            left_out := left_out + 1;
        end loop;
        since := to_timestamp((second - seconds) >> 4 * left_out << 4 * left_out);
        if seconds >> 4 * left_out <= 16 and since > coalesce(oldest, '-infinity') then
            select string_agg(stretch(place, 0), ' | ') into condition
            from generate_series(
                (second - seconds) >> 4 * left_out, second_of(least(newest, until)) >> 4 * left_out
            ) as place;
        else
            since := '-infinity';
            condition := looked_for;
        end if;
        return query
            select request_id, created_at
            from request_words
            -- As conditions of their own: Postgres then leaps between their lists, where for one it went through the
            -- whole of the shortest.
            where words @@ condition and words @@ looked_for and words @@ coalesce(within, looked_for)
                and created_at >= since and created_at < until
                and (created_at, request_id) > (after_at, after_id)
                and (created_at, request_id) < (before_at, before_id)
            order by created_at desc, request_id desc
            limit wanted;
        get diagnostics found_now = row_count;
        found_so_far := found_so_far + found_now;
        exit when found_so_far >= wanted or since <= after_at;
        oldest := coalesce(oldest, (select min(created_at) from requests));
        seconds := seconds * greatest(64 / greatest(found_so_far, 1), 2);
        until := since;
    end loop;
end
$$;
