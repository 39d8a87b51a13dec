-- Exports (docs/adr/0037-exports.md): what was asked for, how far it is, and which sealed pieces in the bucket are its.
-- A job's checkpoint is its row: one statement says which rows are behind it and which pieces hold them. It is here and
-- not in the tenant's schema because the clock finds what stands still with one question, because whoever asked is
-- judged in the very statement that goes on with it, and because nobody who reads for it then has to write there.
CREATE TABLE control.exports (
  id text PRIMARY KEY CHECK (id ~ '^exp_[0-9a-z]{26}$'),
  org_id text NOT NULL REFERENCES control.organisations ON DELETE CASCADE,
  -- As whom it is read: in another role it is no longer what they would see, and fails.
  requested_by text NOT NULL CHECK (requested_by ~ '^usr_[0-9a-z]{26}$'),
  requested_role text NOT NULL CHECK (requested_role IN ('owner', 'admin', 'analyst', 'viewer', 'readonly')),
  source text NOT NULL CHECK (source IN ('inventory', 'telemetry', 'audit', 'documents')),
  format text NOT NULL CHECK (format IN ('csv', 'jsonl', 'xlsx')),
  -- {devices, documents, from, to}: what of the source.
  spec jsonb NOT NULL CHECK (jsonb_typeof(spec) = 'object'),
  -- {kind, id}: never what it takes to reach it.
  destination jsonb NOT NULL CHECK (destination ->> 'kind' IN ('download', 'bucket', 'webhook')),
  state text NOT NULL CHECK (state IN
    ('waiting_approval', 'queued', 'running', 'delivering', 'done', 'failed', 'cancelled', 'expired')),
  -- Within it: rows are read, a sheet is made of them, the result is whole.
  stage text NOT NULL DEFAULT 'rows' CHECK (stage IN ('rows', 'sheet', 'whole')),
  rows bigint NOT NULL DEFAULT 0 CHECK (rows >= 0),
  rows_expected bigint NOT NULL CHECK (rows_expected >= 0),
  bytes bigint NOT NULL DEFAULT 0 CHECK (bytes >= 0),
  failure text CHECK (failure ~ '^[a-z_]{1,40}$'),
  -- Where it was delivered to, for people.
  place text CHECK (char_length(place) <= 512),
  approved_by text CHECK (approved_by ~ '^usr_[0-9a-z]{26}$'),
  approved_at timestamptz,
  -- The export's own key under the organisation's data key. Null: nothing opens what may still lie there.
  wrapped_key text CHECK (length(wrapped_key) BETWEEN 1 AND 8192),
  -- Where the next step begins; the source's own.
  cursor text CHECK (length(cursor) <= 1024),
  -- [{"o": object, "b": plain bytes}], in their order.
  parts jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(parts) = 'array'),
  created_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  expires_at timestamptz,
  -- Rises with each claim: whoever holds an older one writes nothing any more.
  claims bigint NOT NULL DEFAULT 0,
  claimed_until timestamptz,
  -- Claims since it last came further.
  tries integer NOT NULL DEFAULT 0 CHECK (tries >= 0),
  -- What lay in the bucket beside its parts is gone.
  tidied_at timestamptz,
  CONSTRAINT exports_over CHECK ((state IN ('done', 'failed', 'cancelled', 'expired')) = (finished_at IS NOT NULL)),
  CONSTRAINT exports_failed CHECK ((state = 'failed') = (failure IS NOT NULL)),
  CONSTRAINT exports_approved CHECK ((approved_by IS NULL) = (approved_at IS NULL)),
  -- Four eyes are two people's.
  CONSTRAINT exports_second CHECK (approved_by <> requested_by),
  CONSTRAINT exports_key CHECK (state NOT IN ('failed', 'cancelled', 'expired') OR wrapped_key IS NULL)
);
CREATE INDEX exports_org ON control.exports (org_id, id);
CREATE INDEX exports_open ON control.exports (claimed_until) WHERE finished_at IS NULL;
CREATE INDEX exports_due ON control.exports (expires_at) WHERE state = 'done';
CREATE INDEX exports_untidy ON control.exports (finished_at) WHERE finished_at IS NOT NULL AND tidied_at IS NULL;
GRANT SELECT, INSERT, UPDATE, DELETE ON control.exports TO sentinel_control;

-- A ticket for an export's result (kind `export`), as for a document's content.
ALTER TABLE control.ceremonies DROP CONSTRAINT ceremonies_kind_check;
ALTER TABLE control.ceremonies ADD CONSTRAINT ceremonies_kind_check CHECK (kind IN
  ('mfa', 'passkey_sign_in', 'passkey_registration', 'passkey_proof', 'outside_sign_in', 'link', 'document', 'export'));
