-- Where exports of an organisation may go besides a download, and from how many rows on a second administrator has to
-- agree (docs/exports.md).
CREATE TABLE control.export_destinations (
  id text PRIMARY KEY CHECK (id ~ '^exd_[0-9a-z]{26}$'),
  org_id text NOT NULL REFERENCES control.organisations ON DELETE CASCADE,
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 64),
  kind text NOT NULL CHECK (kind IN ('bucket', 'webhook')),
  -- Where it is (core/exports/target.ts). An address may hold a token of the receiver's, so it is shown to those alone
  -- who may change it.
  settings jsonb NOT NULL CHECK (jsonb_typeof(settings) = 'object' AND length(settings::text) <= 4096),
  -- What it takes to write there, sealed under the organisation's data key, which neither this database's readers nor
  -- studio can open.
  sealed text NOT NULL CHECK (length(sealed) BETWEEN 1 AND 8192),
  fingerprint text NOT NULL CHECK (fingerprint ~ '^[0-9a-f]{16}$'),
  secret_since timestamptz NOT NULL,
  -- What came of the last test; null failure: it was taken.
  tested_at timestamptz,
  test_failure text CHECK (test_failure ~ '^[a-z_]{1,40}$'),
  created_by text NOT NULL,
  created_at timestamptz NOT NULL,
  UNIQUE (org_id, name),
  CHECK (test_failure IS NULL OR tested_at IS NOT NULL)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON control.export_destinations TO sentinel_control;

-- No row: the platform's limit.
CREATE TABLE control.export_settings (
  org_id text PRIMARY KEY REFERENCES control.organisations ON DELETE CASCADE,
  -- Exports of more rows wait for a second administrator.
  approval_rows integer NOT NULL CHECK (approval_rows BETWEEN 0 AND 2000000),
  updated_by text NOT NULL,
  updated_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON control.export_settings TO sentinel_control;
