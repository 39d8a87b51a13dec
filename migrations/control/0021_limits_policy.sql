-- What an organisation sets of its own limits (docs/limits.md) stands beside its other policies.
ALTER TABLE control.org_policies DROP CONSTRAINT org_policies_name_check;
ALTER TABLE control.org_policies ADD CONSTRAINT org_policies_name_check
  CHECK (name IN ('geo', 'tls', 'mfa', 'waf', 'limits'));
