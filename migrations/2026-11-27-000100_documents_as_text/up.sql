-- Documents are read and written whole, by the service alone. As text Postgres has neither to take them apart where they
-- come in nor to write them out anew each time that a request is read. What is there is pressed by the quicker method
-- again, where this Postgres has it: a column with a new type has forgotten which one it was.
do $$
begin
    set local default_toast_compression = 'lz4';
exception when invalid_parameter_value then
    raise notice 'this Postgres was built without lz4';
end
$$;
alter table requests
    alter column facts type json using facts::json,
    alter column decision type json using decision::json,
    alter column progress type json using progress::json,
    alter column requested_by type json using requested_by::json;
alter table idempotency_keys
    alter column headers type json using headers::json;
do $$
begin
    alter table requests alter column facts set compression lz4;
    alter table requests alter column decision set compression lz4;
exception when feature_not_supported then
    raise notice 'this Postgres was built without lz4';
end
$$;
