-- Data keys of organisations, wrapped (docs/adr/0020-encryption-at-rest.md). They lie here and not in
-- the organisation's own schema: a backup of that schema, or SQL run in it, then holds no key, and
-- deleting these rows makes unreadable whatever they sealed, wherever a copy of it lies.

-- Who keeps an organisation's key-encryption key. No row: Sentinel does, and no data key exists yet.
CREATE TABLE control.encryption_settings (
  org_id text PRIMARY KEY REFERENCES control.organisation_placements (org_id) ON DELETE CASCADE,
  -- Counts changes of the keeper and of the set of keys: whoever changes either names the version that
  -- they have read, so that all keys are always wrapped by the one keeper that stands here.
  version integer NOT NULL CHECK (version >= 1),
  -- The key that seals; the others only open. Null: none yet, or shredded.
  current_key text CHECK (current_key ~ '^dky_[0-9a-z]{26}$'),
  keeper text NOT NULL DEFAULT 'sentinel' CHECK (keeper IN ('sentinel', 'https', 'aws_kms')),
  -- Address or key name, to show; nothing secret.
  keeper_settings jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(keeper_settings) = 'object'),
  -- What the keeper knows us by, sealed under Sentinel's own key-encryption key.
  keeper_credentials text CHECK (length(keeper_credentials) <= 8192),
  changed_by text CHECK (changed_by ~ '^usr_[0-9a-z]{26}$'),
  changed_at timestamptz NOT NULL DEFAULT now(),
  -- The keeper's last answers, to the minute.
  unwrapped_at timestamptz,
  failed_at timestamptz,
  failure text CHECK (failure IN ('refused', 'unreachable', 'malformed', 'shredded')),
  -- From here on the organisation gets no key any more.
  shredded_at timestamptz,
  CONSTRAINT encryption_settings_keeper CHECK ((keeper = 'sentinel') = (keeper_credentials IS NULL)),
  CONSTRAINT encryption_settings_shredded CHECK (shredded_at IS NULL OR current_key IS NULL)
);

CREATE TABLE control.data_keys (
  id text PRIMARY KEY CHECK (id ~ '^dky_[0-9a-z]{26}$'),
  org_id text NOT NULL REFERENCES control.organisation_placements (org_id) ON DELETE CASCADE,
  -- By the organisation's keeper, with organisation and id bound to it.
  wrapped text NOT NULL CHECK (length(wrapped) BETWEEN 1 AND 8192),
  -- Nonces are random, so a key may seal a bounded number of messages. They are handed out in blocks
  -- before they are used; 2^30, a quarter of what SP 800-38D section 8.3 allows.
  messages_reserved bigint NOT NULL DEFAULT 0 CHECK (messages_reserved BETWEEN 0 AND 1073741824),
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX data_keys_org ON control.data_keys (org_id, id);

-- The data Worker hands them out, and does not hold what opens them.
GRANT SELECT, INSERT, UPDATE ON control.encryption_settings TO sentinel_directory;
GRANT SELECT, INSERT, DELETE ON control.data_keys TO sentinel_directory;
GRANT UPDATE (wrapped, messages_reserved) ON control.data_keys TO sentinel_directory;
GRANT INSERT ON control.operation_receipts TO sentinel_directory;
-- Whoever deletes an organisation shreds its keys, and reads none.
GRANT SELECT (org_id) ON control.organisation_placements TO sentinel_control;
GRANT SELECT (org_id, version, shredded_at), INSERT (org_id, version, shredded_at),
  UPDATE (current_key, shredded_at, version, keeper, keeper_settings, keeper_credentials)
  ON control.encryption_settings TO sentinel_control;
GRANT SELECT (org_id), DELETE ON control.data_keys TO sentinel_control;
