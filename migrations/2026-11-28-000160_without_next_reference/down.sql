create function next_reference(prefix text, year integer) returns text
language sql volatile
as $$
    select prefix || '-' || year || '-' || lpad(number, greatest(6, length(number)), '0')
    from (select nextval('request_numbers')::text as number) as drawn
$$;
