-- What of its role a key is limited to. Keys without are not limited, those made before this among them.
alter table api_keys
    add column scopes text[],
    add constraint scopes_are_known check (scopes <@ array[
        'consult', 'requests.read', 'requests.write', 'desk.work', 'keys.manage', 'audit.read'
    ]),
    -- A limit to nothing would be read as none by whoever looks only at the words.
    add constraint limited_keys_have_scopes check (cardinality(scopes) > 0);
