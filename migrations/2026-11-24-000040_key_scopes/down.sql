-- Without its limits a limited key would open more than it was given for.
update api_keys set revoked_at = now() where scopes is not null and revoked_at is null;
alter table api_keys drop column scopes;
