-- The words of a request, as they are typed: no language's stems. Names and references hold in every language.
-- What is withheld from the facts, such as the description of a vulnerability, is not here either.
-- References are searched whole and in parts, since the parser takes "-000123" for a number below zero.
alter table requests add column search tsvector not null generated always as (
    to_tsvector('simple',
        reference || ' ' || replace(reference, '-', ' ')
        || ' ' || coalesce(facts ->> 'title', '')
        || ' ' || coalesce(facts ->> 'description', '')
        || ' ' || coalesce(facts #>> '{partner,name}', '')
        || ' ' || coalesce(facts #>> '{customer,name}', '')
        || ' ' || coalesce(facts ->> 'external_reference', '')
        || ' ' || replace(coalesce(facts ->> 'external_reference', ''), '-', ' ')
    )
) stored;

create index requests_by_words on requests using gin (search);

-- One index for each way into a list. All columns run the same way, so that a page begins and ends at one
-- comparison of rows, and the columns a list is cut by are part of it.
drop index requests_by_desk;
drop index requests_by_owner;
drop index requests_by_submitter;
drop index requests_by_partner;
create index requests_by_desk on requests (desk, created_at, id);
create index requests_by_state on requests (state, created_at, id);
create index requests_by_desk_and_state on requests (desk, state, created_at, id);
create index requests_by_owner on requests (owner_subject, created_at, id);
create index requests_by_submitter on requests (submitted_by, created_at, id);
create index requests_by_partner on requests (partner_mpn_id, created_at, id);
create index requests_by_service on requests (service, created_at, id);
create index requests_by_customer_name on requests (lower(customer_name), created_at, id)
    where customer_name is not null;
create index requests_by_assignee on requests (lower(assignee), created_at, id)
    where assignee is not null;
create index requests_by_change on requests (updated_at, id);
create index requests_by_desk_and_change on requests (desk, updated_at, id);
create index requests_by_desk_state_and_change on requests (desk, state, updated_at, id);
create index requests_by_state_and_change on requests (state, updated_at, id);
