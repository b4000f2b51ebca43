-- Postgres takes statistics of a table whenever a tenth of it is new, and looks at 300 rows for each step of the finest of
-- them, of which there are 100 unless somebody says otherwise: that is a second of work a minute where much is written.
-- A fifth of the rows tells the common values from the rare ones as well. Columns of which none are taken are in
-- 2026-11-24-000080_lean_upkeep.
alter table requests
    alter column id set statistics 20,
    alter column desk set statistics 20,
    alter column state set statistics 20,
    alter column owner_subject set statistics 20,
    alter column submitted_by set statistics 20,
    alter column solution_area_key set statistics 20,
    alter column customer_key set statistics 20,
    alter column created_at set statistics 20,
    alter column updated_at set statistics 20,
    alter column state_since set statistics 20,
    alter column service set statistics 20,
    alter column partner_mpn_id set statistics 20,
    alter column customer_name set statistics 20,
    alter column assignee set statistics 20;
alter table request_words
    alter column request_id set statistics 20,
    alter column created_at set statistics 20,
    alter column words set statistics 20;
alter table request_events
    alter column position set statistics 20,
    alter column transaction_number set statistics 20,
    alter column request_id set statistics 20,
    alter column request_version set statistics 20,
    alter column kind set statistics 20,
    alter column desk set statistics 20;
alter table idempotency_keys
    alter column scope set statistics 20,
    alter column created_at set statistics 20;
alter table audit
    alter column id set statistics 20,
    alter column at set statistics 20,
    alter column subject set statistics 20,
    alter column action set statistics 20,
    alter column object set statistics 20,
    alter column outcome set statistics 20;

-- The same holds for what indexes compute. Of what is only looked for by all of its value nothing need be known.
alter index requests_by_customer_name alter column 1 set statistics 20;
alter index requests_by_assignee alter column 1 set statistics 20;
alter index requests_by_customer alter column 1 set statistics 0;
alter index requests_by_deal alter column 1 set statistics 0;
