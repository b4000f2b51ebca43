-- Whoever looks for words is shown the newest requests first. How far back the page reaches depends on how common the
-- words are, which becomes known as they are found: so the search goes back step by step, each as far as what was found
-- so far suggests. Stretches of time down to a second hold it to what it needs even where thousands came in a minute; and
-- words that say where a request is hold it to what the caller sees.
drop function newest_first(tsquery, timestamptz);

-- A stretch of time that a second of the epoch lies in, as a word: the second in hexadecimal digits, without so many of
-- the last ones. So it is 16 times as long with each digit that is left out.
create function stretch(second bigint, left_out integer) returns text
language sql immutable parallel safe
as $$ select '~' || to_hex(second >> 4 * left_out) $$;

alter function stretches(timestamptz) rename to stretches_before;

-- All stretches that a moment lies in, from a second to half a year. Without a FROM, so that it becomes part of the
-- statement that calls it.
create function stretches(at timestamptz) returns tsvector
language sql stable parallel safe
as $$
    select array_to_tsvector(array[
        stretch(second_of(at), 0), stretch(second_of(at), 1), stretch(second_of(at), 2), stretch(second_of(at), 3),
        stretch(second_of(at), 4), stretch(second_of(at), 5), stretch(second_of(at), 6)
    ])
$$;

-- Where a request is, who submitted it and for what, as words that no text has. The service writes them, see store/words.rs.
create function marks(desk text, submitter text, service text) returns tsvector
language sql immutable parallel safe
as $$
    select array_to_tsvector(array_remove(array[
        '@desk:' || left(desk, 500), '@submitter:' || left(submitter, 500), '@service:' || left(service, 500)
    ], null))
$$;

create function marks_of(request uuid) returns tsvector
language sql stable
as $$ select marks(desk, submitted_by, service) from requests where id = request $$;

-- The rewritten column is pressed as it was: it would have forgotten that.
do $$
begin
    set local default_toast_compression = 'lz4';
exception when invalid_parameter_value then
    raise notice 'this Postgres was built without lz4';
end
$$;
alter table request_words alter column words type tsvector using
    ts_delete(words, tsvector_to_array(stretches_before(created_at))) || stretches(created_at) || marks_of(request_id);
do $$
begin
    alter table request_words alter column words set compression lz4;
exception when feature_not_supported then
    raise notice 'this Postgres was built without lz4';
end
$$;
drop function stretches_before(timestamptz);
drop function stretch(integer, bigint);
drop function marks_of(uuid);

-- The newest requests with certain words, within those with certain marks if any are given, between two positions, in
-- their order: so many, or a few more. The first look goes back over some sixty requests, whatever their words. The next
-- one over as many as should fill the page, going by what was found, but 64 times as many at most; and so on, at last over
-- everything.
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
