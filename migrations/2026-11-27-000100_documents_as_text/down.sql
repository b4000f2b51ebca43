do $$
begin
    set local default_toast_compression = 'lz4';
exception when invalid_parameter_value then
    raise notice 'this Postgres was built without lz4';
end
$$;
alter table idempotency_keys
    alter column headers type jsonb using headers::jsonb;
alter table requests
    alter column facts type jsonb using facts::jsonb,
    alter column decision type jsonb using decision::jsonb,
    alter column progress type jsonb using progress::jsonb,
    alter column requested_by type jsonb using requested_by::jsonb;
do $$
begin
    alter table requests alter column facts set compression lz4;
    alter table requests alter column decision set compression lz4;
exception when feature_not_supported then
    raise notice 'this Postgres was built without lz4';
end
$$;
