create table api_keys (
    id text primary key,
    -- Keys are 256 random bits, so one round of SHA-256 keeps them safe.
    secret_hash bytea not null check (length(secret_hash) = 32),
    subject text not null,
    name text not null,
    role text not null check (role in (
        'requester', 'desk_member', 'desk_lead', 'viewer', 'integration', 'admin'
    )),
    relationship text check (relationship in ('pdm', 'pts', 'partner_contact', 'end_customer')),
    desks text[] not null,
    partners text[] not null,
    created_at timestamptz not null,
    created_by text not null,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    last_used_at timestamptz,
    constraint requesters_have_a_relationship check (role <> 'requester' or relationship is not null),
    constraint desk_roles_have_desks
        check (role not in ('desk_member', 'desk_lead') or cardinality(desks) > 0)
);

create index api_keys_by_creation on api_keys (created_at desc, id desc);
