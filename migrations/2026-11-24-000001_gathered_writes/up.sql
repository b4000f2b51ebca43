-- Answers are read once in a while and written all the time: to press them costs more than their room.
alter table idempotency_keys alter column body set storage external;

-- A statement that changes several requests, each in the version that was read, changes all of them or fails.
create function all_are_changed(changed bigint, expected bigint) returns boolean
language plpgsql volatile
as $$
begin
    if changed <> expected then
        raise exception 'somebody else changed one of the requests' using errcode = 'serialization_failure';
    end if;
    return true;
end
$$;
