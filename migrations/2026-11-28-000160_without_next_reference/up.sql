-- References are put together by the service, which draws their numbers for many requests at once.
drop function next_reference(text, integer);
