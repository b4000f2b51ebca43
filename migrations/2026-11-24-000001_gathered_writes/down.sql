alter table idempotency_keys alter column body set storage extended;
drop function all_are_changed(bigint, bigint);
