-- What earlier requests are looked up by is one value each, which no other index has. As columns, the partner's own index
-- would do as well where Postgres takes every partner to have few requests, and all of a large one's would be read.
drop index requests_by_customer;
create index requests_by_customer on requests ((array[partner_mpn_id, customer_key]), created_at desc);
drop index requests_by_deal;
create index requests_by_deal
    on requests ((array[partner_mpn_id, solution_area_key, desk]), service)
    where state not in ('draft', 'ineligible', 'rejected', 'redirected', 'cancelled');
