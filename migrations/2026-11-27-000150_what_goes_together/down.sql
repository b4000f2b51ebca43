drop statistics requests_by_desk_and_service;
drop statistics requests_by_customer_name_in_small_letters;
drop statistics requests_by_assignee_in_small_letters;
alter index requests_by_customer_name alter column 1 set statistics 20;
alter index requests_by_assignee alter column 1 set statistics 20;
