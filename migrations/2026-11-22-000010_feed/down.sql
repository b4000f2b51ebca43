drop function continue_feed();
drop function oldest_running_transaction();
drop table feed_shifts;
drop index request_events_by_transaction;
alter table request_events alter column transaction_number drop default;
alter table request_events rename column transaction_number to transaction_id;
alter table request_events
    alter column transaction_id type xid8 using transaction_id::text::xid8;
alter table request_events alter column transaction_id set default pg_current_xact_id();
