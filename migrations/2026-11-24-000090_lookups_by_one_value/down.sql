drop index requests_by_customer;
create index requests_by_customer on requests (partner_mpn_id, customer_key, created_at desc);
drop index requests_by_deal;
create index requests_by_deal
    on requests (partner_mpn_id, solution_area_key, service, desk)
    where state not in ('draft', 'ineligible', 'rejected', 'redirected', 'cancelled');
