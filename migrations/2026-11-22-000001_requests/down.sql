drop table requests;
drop function take_turns(text);
drop function next_reference(text, integer);
drop sequence request_numbers;
