create sequence request_numbers;

-- The number runs on over desks and years, so that drawing one never waits for another transaction.
create function next_reference(prefix text, year integer) returns text
language sql volatile
as $$
    select prefix || '-' || year || '-' || lpad(number, greatest(6, length(number)), '0')
    from (select nextval('request_numbers')::text as number) as drawn
$$;

-- Waits for every other transaction that named the same key: those that count the same things take turns.
create function take_turns(key text) returns boolean
language sql volatile
as $$
    select pg_advisory_xact_lock(hashtextextended(key, 0));
    select true
$$;

create table requests (
    id uuid primary key,
    reference text not null unique,
    desk text,
    state text not null check (state in (
        'draft', 'submitted', 'ineligible', 'exception_review', 'in_review', 'action_required',
        'accepted', 'scheduled', 'in_progress', 'on_hold', 'completed', 'rejected', 'redirected',
        'cancelled', 'expired'
    )),
    version bigint not null check (version > 0),
    facts jsonb not null,
    decision jsonb,
    progress jsonb not null,
    requested_by jsonb not null,
    owner_subject text not null,
    submitted_by text not null,
    solution_area_key text,
    customer_key text,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    state_since timestamptz not null,
    -- What lists and counts look at, drawn from the facts so that the two can't differ.
    service text generated always as (facts ->> 'service') stored,
    partner_mpn_id text generated always as (btrim(facts #>> '{partner,mpn_id}')) stored,
    estimated_hours double precision
        generated always as ((facts ->> 'estimated_hours')::double precision) stored,
    title text generated always as (facts ->> 'title') stored,
    priority text generated always as (facts ->> 'priority') stored,
    needed_by text generated always as (facts ->> 'needed_by') stored,
    partner_name text generated always as (facts #>> '{partner,name}') stored,
    customer_name text generated always as (facts #>> '{customer,name}') stored,
    requester_name text generated always as (requested_by ->> 'name') stored,
    assignee text generated always as (progress #>> '{assignee,name}') stored,
    constraint a_submitted_request_has_a_desk_and_a_decision
        check (state in ('draft', 'ineligible', 'cancelled', 'expired', 'redirected')
               or (desk is not null and decision is not null))
);

create index requests_by_creation on requests (created_at desc, id desc);
create index requests_by_desk on requests (desk, created_at desc, id desc);
create index requests_by_owner on requests (owner_subject, created_at desc, id desc);
create index requests_by_submitter on requests (submitted_by, created_at desc, id desc);
create index requests_by_partner on requests (partner_mpn_id, created_at desc, id desc);
create index requests_by_customer on requests (partner_mpn_id, customer_key, created_at desc);
create index requests_by_deal
    on requests (partner_mpn_id, solution_area_key, service, desk)
    where state not in ('draft', 'ineligible', 'rejected', 'redirected', 'cancelled');
create index requests_that_may_expire on requests (state, state_since)
    where state in ('draft', 'action_required', 'accepted');
