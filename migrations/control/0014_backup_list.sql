-- Studio shows an organisation which backups of it there are, and reads no key.
ALTER TABLE control.backups ADD COLUMN destroyed boolean NOT NULL GENERATED ALWAYS AS (wrapped_key IS NULL) STORED;
GRANT SELECT (id, org_id, tenant_schema, snapshot_at, created_at, bytes, rows, verified_at, destroyed)
  ON control.backups TO sentinel_control;
