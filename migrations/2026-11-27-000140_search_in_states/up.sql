-- Words together with states. How many requests have to be looked at depends on which of the two is rarer, and on the way
-- back in time that changes: open requests are most of the newest and next to none of the others. So the search looks at some
-- requests in the states, how many of those have the words, and how far back they reach; and goes on with the rarer of the
-- two.
drop function newest_with(tsquery, tsquery, timestamptz, uuid, timestamptz, uuid, bigint);

create function newest_with(
    looked_for tsquery,
    within tsquery,
    states text[],
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
    -- All that is newer has been looked at.
    until_at timestamptz := before_at;
    until_id uuid := before_id;
    -- How far back to look for words next: at first over some sixty requests. Null where there are fewer.
    seconds bigint := second_of(newest) - second_of((
        select created_at from requests where created_at <= newest order by created_at desc offset 63 limit 1
    )) + 1;
    second bigint;
    since timestamptz;
    left_out integer;
    condition tsquery;
    -- How many in the states to look at next.
    candidates bigint := 64;
    candidate record;
    looked_at bigint;
    -- Of all that were looked at for their states, and how many of those had the words.
    in_states float8 := 0;
    with_words float8 := 0.5;
    span float8;
    found_now bigint;
    found_so_far bigint := 0;
    words_are_rarer boolean;
begin
    loop
        words_are_rarer := true;
        if states is not null then
            looked_at := 0;
            span := extract(epoch from least(newest, until_at));
            for candidate in
                select found.id, found.created_at
                from unnest(states) as wanted_states (state)
                cross join lateral (
                    select requests.id, requests.created_at from requests
                    where (requests.state, requests.created_at, requests.id) > (wanted_states.state, after_at, after_id)
                        and (requests.state, requests.created_at, requests.id) < (wanted_states.state, until_at, until_id)
                    order by requests.state desc, requests.created_at desc, requests.id desc
                    limit candidates
                ) as found
                order by found.created_at desc, found.id desc
                limit candidates
            loop
                looked_at := looked_at + 1;
                until_at := candidate.created_at;
                until_id := candidate.id;
                if (
                    select words @@ looked_for and words @@ coalesce(within, looked_for)
                    from request_words where request_id = candidate.id
                ) then
                    found_so_far := found_so_far + 1;
                    with_words := with_words + 1;
                    id := candidate.id;
                    created_at := candidate.created_at;
                    return next;
                    exit when found_so_far >= wanted;
                end if;
            end loop;
            exit when found_so_far >= wanted or looked_at < candidates;
            in_states := in_states + looked_at;
            -- As many sixties of requests as lie in that time, if they are as close together as the next ones.
            select (span - extract(epoch from until_at)) / nullif(extract(epoch from until_at - created_at), 0) into span
            from requests where (created_at, id) < (until_at, until_id)
            order by created_at desc, id desc offset 63 limit 1;
            words_are_rarer := coalesce(64 * span * with_words / in_states < looked_at, true);
        end if;
        if not words_are_rarer then
            -- As many as should fill the page and half as many again, but four times as many as before at most.
            candidates := least(candidates * 4, greatest(64, ceil(1.5 * (wanted - found_so_far) * in_states / with_words)));
        else
            second := second_of(least(newest, until_at));
            -- The shortest stretches of which sixteen or one more are enough.
            left_out := 0;
            while left_out < 6 and seconds >> 4 * left_out > 16 loop
                left_out := left_out + 1;
            end loop;
            since := to_timestamp((second - seconds) >> 4 * left_out << 4 * left_out);
            if seconds >> 4 * left_out <= 16 and since > coalesce(oldest, '-infinity') then
                select string_agg(stretch(place, 0), ' | ') into condition
                from generate_series((second - seconds) >> 4 * left_out, second >> 4 * left_out) as place;
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
                    and created_at >= since
                    and (created_at, request_id) > (after_at, after_id)
                    and (created_at, request_id) < (until_at, until_id)
                    and (states is null or exists (
                        select from requests where requests.id = request_id and requests.state = any (states)
                    ))
                order by created_at desc, request_id desc
                limit wanted;
            get diagnostics found_now = row_count;
            found_so_far := found_so_far + found_now;
            exit when found_so_far >= wanted or since <= after_at;
            oldest := coalesce(oldest, (select min(created_at) from requests));
            until_at := since;
            until_id := '00000000-0000-0000-0000-000000000000';
            candidates := 64;
        end if;
        -- As far as should fill the page, going by what was found, but 64 times as far as before at most.
        seconds := greatest(second_of(newest) - second_of(until_at), 1) * (greatest(64 / greatest(found_so_far, 1), 2) - 1);
    end loop;
end
$$;
