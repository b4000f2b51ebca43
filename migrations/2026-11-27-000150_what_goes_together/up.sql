-- Postgres took a name in whatever case to be that of one request in two hundred: of an index that has not all rows it
-- makes no use of statistics of what the columns are made into. So it gathered all requests of the busiest architect to
-- show a page of them, and went through everything for a customer with two.
create statistics requests_by_customer_name_in_small_letters on (lower(customer_name)) from requests;
create statistics requests_by_assignee_in_small_letters on (lower(assignee)) from requests;
alter index requests_by_customer_name alter column 1 set statistics 0;
alter index requests_by_assignee alter column 1 set statistics 0;

-- And a desk and a service to have nothing to do with each other: it looked through all requests, one after the other, for
-- those of a desk that does not offer the service.
create statistics requests_by_desk_and_service (mcv) on desk, service from requests;

-- As for all columns: the finest statistics say how many rows are looked at. Desks offer twenty services; there is room for
-- as many that none of them does.
alter statistics requests_by_customer_name_in_small_letters set statistics 20;
alter statistics requests_by_assignee_in_small_letters set statistics 20;
alter statistics requests_by_desk_and_service set statistics 40;

analyze requests;
