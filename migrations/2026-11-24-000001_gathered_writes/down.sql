drop function all_are_changed(bigint, bigint);
