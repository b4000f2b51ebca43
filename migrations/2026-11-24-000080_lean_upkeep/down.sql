alter table idempotency_keys reset (toast_tuple_target);
alter table requests
    alter column reference set statistics -1,
    alter column version set statistics -1,
    alter column facts set statistics -1,
    alter column decision set statistics -1,
    alter column progress set statistics -1,
    alter column requested_by set statistics -1,
    alter column estimated_hours set statistics -1,
    alter column title set statistics -1,
    alter column priority set statistics -1,
    alter column needed_by set statistics -1,
    alter column partner_name set statistics -1,
    alter column requester_name set statistics -1;
alter table request_events
    alter column id set statistics -1,
    alter column from_state set statistics -1,
    alter column to_state set statistics -1,
    alter column reason set statistics -1,
    alter column changed set statistics -1,
    alter column actor_subject set statistics -1,
    alter column actor_name set statistics -1,
    alter column actor_role set statistics -1,
    alter column key_id set statistics -1,
    alter column on_behalf_of set statistics -1,
    alter column http_request_id set statistics -1,
    alter column at set statistics -1;
alter table idempotency_keys
    alter column fingerprint set statistics -1,
    alter column status set statistics -1,
    alter column headers set statistics -1,
    alter column body set statistics -1;
alter table audit
    alter column role set statistics -1,
    alter column key_id set statistics -1,
    alter column address set statistics -1,
    alter column method set statistics -1,
    alter column route set statistics -1,
    alter column http_request_id set statistics -1,
    alter column status set statistics -1,
    alter column code set statistics -1;
