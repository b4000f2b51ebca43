-- Every catalogue a decision was made under, so that the decision can be read and made again later.
create table catalogs (
    version text primary key,
    document text not null,
    first_used_at timestamptz not null
);
