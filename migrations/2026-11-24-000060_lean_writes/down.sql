alter index request_words_by_word reset (gin_pending_list_limit);
alter table request_words reset (toast_tuple_target);
alter table request_words alter column words set compression default;

alter table request_events drop constraint request_events_pkey;
create index request_events_by_transaction on request_events (transaction_number, position);
alter table request_events
    add primary key (position),
    add unique (id),
    add check (request_version > 0);
alter table audit add check (status between 100 and 599);
alter table idempotency_keys
    add check (length(scope) = 32),
    add check (length(fingerprint) = 32);

-- A column that is there can't be made a generated one: they are made again, and the indexes they stand in.
alter table requests
    drop column service,
    drop column partner_mpn_id,
    drop column estimated_hours,
    drop column title,
    drop column priority,
    drop column needed_by,
    drop column partner_name,
    drop column customer_name,
    drop column requester_name,
    drop column assignee,
    add column service text generated always as (facts ->> 'service') stored,
    add column partner_mpn_id text generated always as (btrim(facts #>> '{partner,mpn_id}')) stored,
    add column estimated_hours double precision
        generated always as ((facts ->> 'estimated_hours')::double precision) stored,
    add column title text generated always as (facts ->> 'title') stored,
    add column priority text generated always as (facts ->> 'priority') stored,
    add column needed_by text generated always as (facts ->> 'needed_by') stored,
    add column partner_name text generated always as (facts #>> '{partner,name}') stored,
    add column customer_name text generated always as (facts #>> '{customer,name}') stored,
    add column requester_name text generated always as (requested_by ->> 'name') stored,
    add column assignee text generated always as (progress #>> '{assignee,name}') stored;
create index requests_by_customer on requests (partner_mpn_id, customer_key, created_at desc);
create index requests_by_deal
    on requests (partner_mpn_id, solution_area_key, service, desk)
    where state not in ('draft', 'ineligible', 'rejected', 'redirected', 'cancelled');
create index requests_by_partner on requests (partner_mpn_id, created_at, id);
create index requests_by_service on requests (service, created_at, id);
create index requests_by_customer_name on requests (lower(customer_name), created_at, id)
    where customer_name is not null;
create index requests_by_assignee on requests (lower(assignee), created_at, id)
    where assignee is not null;
