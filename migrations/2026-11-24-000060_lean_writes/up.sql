-- Postgres compiles what a generated column is drawn by, and what a CHECK says, anew for every statement that writes to the
-- table. The service's own statement draws the columns instead: that is compiled once for a connection.
alter table requests
    alter column service drop expression,
    alter column partner_mpn_id drop expression,
    alter column estimated_hours drop expression,
    alter column title drop expression,
    alter column priority drop expression,
    alter column needed_by drop expression,
    alter column partner_name drop expression,
    alter column customer_name drop expression,
    alter column requester_name drop expression,
    alter column assignee drop expression;

-- Counts and lengths of what is written once, by one statement, and never changed.
alter table request_events drop constraint request_events_request_version_check;
alter table audit drop constraint audit_status_check;
alter table idempotency_keys
    drop constraint idempotency_keys_scope_check,
    drop constraint idempotency_keys_fingerprint_check;

-- Nobody looks for an event by its id, or by its position alone.
alter table request_events
    drop constraint request_events_id_key,
    drop constraint request_events_pkey;
drop index request_events_by_transaction;
alter table request_events add primary key (transaction_number, position);

-- Words go as they are, or pressed by the quicker method where they would not stay in the row.
alter table request_words set (toast_tuple_target = 4080);
do $$
begin
    alter table request_words alter column words set compression lz4;
exception when feature_not_supported then
    raise notice 'this Postgres was built without lz4';
end
$$;

-- The service sorts new words in every second (see work.rs). Only where it does not, whoever writes has to.
alter index request_words_by_word set (gin_pending_list_limit = 32768);
