alter index requests_by_deal alter column 1 set statistics -1;
alter index requests_by_customer alter column 1 set statistics -1;
alter index requests_by_assignee alter column 1 set statistics -1;
alter index requests_by_customer_name alter column 1 set statistics -1;
alter table requests
    alter column id set statistics -1,
    alter column desk set statistics -1,
    alter column state set statistics -1,
    alter column owner_subject set statistics -1,
    alter column submitted_by set statistics -1,
    alter column solution_area_key set statistics -1,
    alter column customer_key set statistics -1,
    alter column created_at set statistics -1,
    alter column updated_at set statistics -1,
    alter column state_since set statistics -1,
    alter column service set statistics -1,
    alter column partner_mpn_id set statistics -1,
    alter column customer_name set statistics -1,
    alter column assignee set statistics -1;
alter table request_words
    alter column request_id set statistics -1,
    alter column created_at set statistics -1,
    alter column words set statistics -1;
alter table request_events
    alter column position set statistics -1,
    alter column transaction_number set statistics -1,
    alter column request_id set statistics -1,
    alter column request_version set statistics -1,
    alter column kind set statistics -1,
    alter column desk set statistics -1;
alter table idempotency_keys
    alter column scope set statistics -1,
    alter column created_at set statistics -1;
alter table audit
    alter column id set statistics -1,
    alter column at set statistics -1,
    alter column subject set statistics -1,
    alter column action set statistics -1,
    alter column object set statistics -1,
    alter column outcome set statistics -1;
