-- A kept answer stays in its row, pressed where it has to be: beside it would cost two rows and an index of their own.
alter table idempotency_keys set (toast_tuple_target = 4080);

-- Nothing is looked for by these columns, and a reference is one request's alone: Postgres need not unpack and compare
-- thousands of their values each time that it takes statistics.
alter table requests
    alter column reference set statistics 0,
    alter column version set statistics 0,
    alter column facts set statistics 0,
    alter column decision set statistics 0,
    alter column progress set statistics 0,
    alter column requested_by set statistics 0,
    alter column estimated_hours set statistics 0,
    alter column title set statistics 0,
    alter column priority set statistics 0,
    alter column needed_by set statistics 0,
    alter column partner_name set statistics 0,
    alter column requester_name set statistics 0;
alter table request_events
    alter column id set statistics 0,
    alter column from_state set statistics 0,
    alter column to_state set statistics 0,
    alter column reason set statistics 0,
    alter column changed set statistics 0,
    alter column actor_subject set statistics 0,
    alter column actor_name set statistics 0,
    alter column actor_role set statistics 0,
    alter column key_id set statistics 0,
    alter column on_behalf_of set statistics 0,
    alter column http_request_id set statistics 0,
    alter column at set statistics 0;
alter table idempotency_keys
    alter column fingerprint set statistics 0,
    alter column status set statistics 0,
    alter column headers set statistics 0,
    alter column body set statistics 0;
alter table audit
    alter column role set statistics 0,
    alter column key_id set statistics 0,
    alter column address set statistics 0,
    alter column method set statistics 0,
    alter column route set statistics 0,
    alter column http_request_id set statistics 0,
    alter column status set statistics 0,
    alter column code set statistics 0;
