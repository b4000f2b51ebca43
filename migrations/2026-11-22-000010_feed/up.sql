-- The feed goes by the transaction an event was written in. As a plain number it can stand in an index and in
-- a cursor, and can be shifted: see continue_feed.
alter table request_events alter column transaction_id drop default;
alter table request_events
    alter column transaction_id type bigint using transaction_id::text::bigint;
alter table request_events rename column transaction_id to transaction_number;
alter table request_events
    alter column transaction_number set default pg_current_xact_id()::text::bigint;

create index request_events_by_transaction on request_events (transaction_number, position);

-- What is added to transaction ids: the greatest shift counts, none is 0.
create table feed_shifts (
    shift bigint primary key,
    since timestamptz not null default now()
);

-- Inlined wherever it is called.
create function oldest_running_transaction() returns bigint
language sql stable
as $$
    select pg_snapshot_xmin(pg_current_snapshot())::text::bigint
$$;

-- A dump that is restored elsewhere brings numbers along that the new server has not come to yet. Its ids are
-- shifted then, so that what is written from now on still comes after what was restored. Tells whether it did.
create function continue_feed() returns boolean
language plpgsql
as $$
declare
    present_shift bigint;
    missing bigint;
begin
    -- One at a time; readers go on.
    lock table feed_shifts in share row exclusive mode;
    select coalesce(max(shift), 0) into present_shift from feed_shifts;
    select max(transaction_number) + 1
           - (pg_snapshot_xmax(pg_current_snapshot())::text::bigint + present_shift)
        into missing from request_events;
    if coalesce(missing, 0) <= 0 then
        return false;
    end if;
    insert into feed_shifts (shift) values (present_shift + missing);
    execute format(
        'alter table request_events alter column transaction_number
             set default pg_current_xact_id()::text::bigint + %s',
        present_shift + missing
    );
    return true;
end
$$;
