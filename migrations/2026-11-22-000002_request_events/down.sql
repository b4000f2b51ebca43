drop table request_events;
drop function refuse_to_change_history();
