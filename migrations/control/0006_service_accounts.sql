-- API keys. A key is a member of its organisation by a service user of its own, and a session of kind
-- 'api_key' whose secret_hash is the key's SHA-256 and which ends when the key does: rights, groups and
-- row-level security see a member like any other.
CREATE TABLE control.api_keys (
  id text PRIMARY KEY CHECK (id ~ '^key_[0-9a-z]{26}$'),
  org_id text NOT NULL REFERENCES control.organisations ON DELETE CASCADE,
  -- Whom it speaks for.
  user_id text NOT NULL UNIQUE REFERENCES control.users ON DELETE CASCADE,
  session_id text NOT NULL UNIQUE REFERENCES control.sessions ON DELETE CASCADE,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  -- Six of the key's 43 characters, to tell it from others by sight: 220 bits stay unknown.
  prefix text NOT NULL CHECK (prefix ~ '^sak_[A-Za-z0-9_-]{6}$'),
  -- An owner holds too much for a secret in a file.
  role text NOT NULL CHECK (role IN ('admin', 'analyst', 'viewer', 'readonly')),
  created_by text NOT NULL REFERENCES control.users,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL CHECK (expires_at <= created_at + interval '366 days'),
  revoked_at timestamptz
);
CREATE INDEX api_keys_org ON control.api_keys (org_id, id);
CREATE INDEX api_keys_maker ON control.api_keys (created_by);
GRANT SELECT, INSERT, UPDATE ON control.api_keys TO sentinel_control;
