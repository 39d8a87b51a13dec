-- Identity and organisations. Studio alone writes these tables (role sentinel_control). Secrets are
-- stored as SHA-256 of 256 random bits, passwords as scrypt; nothing here lets a reader sign in.

-- Times leave SQL as RFC 3339 UTC with milliseconds, whatever the session's settings are.
CREATE FUNCTION control.rfc3339(moment timestamptz) RETURNS text
  LANGUAGE sql STABLE STRICT PARALLEL SAFE
  AS $$ SELECT to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') $$;

-- A person exists once the e-mail address is proven, not before.
CREATE TABLE control.users (
  id text PRIMARY KEY CHECK (id ~ '^usr_[0-9a-z]{26}$'),
  email text NOT NULL UNIQUE CHECK (length(email) <= 254 AND email = lower(email)),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  password_hash text NOT NULL,
  created_at timestamptz NOT NULL,
  disabled_at timestamptz
);

-- A registration waits here with its own password, so that whoever registers somebody else's address
-- can't have a password in place before the owner of the address proves it.
CREATE TABLE control.registrations (
  token_hash text PRIMARY KEY CHECK (token_hash ~ '^[0-9a-f]{64}$'),
  email text NOT NULL,
  name text NOT NULL,
  password_hash text NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX registrations_email ON control.registrations (email, created_at);
CREATE INDEX registrations_expiry ON control.registrations (expires_at);

CREATE TABLE control.sessions (
  id text PRIMARY KEY CHECK (id ~ '^ses_[0-9a-z]{26}$'),
  user_id text NOT NULL REFERENCES control.users ON DELETE CASCADE,
  secret_hash text NOT NULL UNIQUE CHECK (secret_hash ~ '^[0-9a-f]{64}$'),
  ip text NOT NULL,
  user_agent text NOT NULL,
  created_at timestamptz NOT NULL,
  last_seen_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  ended_at timestamptz
);
CREATE INDEX sessions_user ON control.sessions (user_id, created_at);

-- One family per sign-in that asked for tokens. It never outlives its session.
CREATE TABLE control.refresh_families (
  id text PRIMARY KEY CHECK (id ~ '^fam_[0-9a-z]{26}$'),
  session_id text NOT NULL REFERENCES control.sessions ON DELETE CASCADE,
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz
);
CREATE INDEX refresh_families_session ON control.refresh_families (session_id);

CREATE TABLE control.refresh_tokens (
  token_hash text PRIMARY KEY CHECK (token_hash ~ '^[0-9a-f]{64}$'),
  family_id text NOT NULL REFERENCES control.refresh_families ON DELETE CASCADE,
  created_at timestamptz NOT NULL,
  spent_at timestamptz
);
CREATE INDEX refresh_tokens_family ON control.refresh_tokens (family_id);

CREATE TABLE control.organisations (
  id text PRIMARY KEY CHECK (id ~ '^org_[0-9a-z]{26}$'),
  slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9-]{3,40}$'),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  status text NOT NULL CHECK (status IN ('provisioning', 'active', 'suspended')),
  created_by text NOT NULL REFERENCES control.users,
  created_at timestamptz NOT NULL,
  -- Rises with each policy change, so that the copy in KV can be brought up to the newest.
  policy_version bigint NOT NULL DEFAULT 1
);

CREATE TABLE control.memberships (
  org_id text NOT NULL REFERENCES control.organisations ON DELETE CASCADE,
  user_id text NOT NULL REFERENCES control.users ON DELETE CASCADE,
  role text NOT NULL CHECK (role IN ('owner', 'admin', 'analyst', 'viewer', 'readonly')),
  created_at timestamptz NOT NULL,
  PRIMARY KEY (org_id, user_id)
);
CREATE INDEX memberships_user ON control.memberships (user_id);

CREATE TABLE control.invitations (
  id text PRIMARY KEY CHECK (id ~ '^inv_[0-9a-z]{26}$'),
  org_id text NOT NULL REFERENCES control.organisations ON DELETE CASCADE,
  email text NOT NULL,
  role text NOT NULL CHECK (role IN ('owner', 'admin', 'analyst', 'viewer', 'readonly')),
  invited_by text NOT NULL REFERENCES control.users ON DELETE CASCADE,
  token_hash text NOT NULL UNIQUE CHECK (token_hash ~ '^[0-9a-f]{64}$'),
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  accepted_at timestamptz,
  revoked_at timestamptz
);
CREATE INDEX invitations_org ON control.invitations (org_id, id);

CREATE TABLE control.org_policies (
  org_id text NOT NULL REFERENCES control.organisations ON DELETE CASCADE,
  name text NOT NULL CHECK (name IN ('geo', 'tls')),
  document jsonb NOT NULL,
  updated_by text NOT NULL REFERENCES control.users,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (org_id, name)
);

-- Answers of finished writes, sealed under a key that only the holder of the Idempotency-Key has.
CREATE TABLE control.idempotency_keys (
  key_hash text PRIMARY KEY CHECK (key_hash ~ '^[0-9a-f]{64}$'),
  request_hash text NOT NULL CHECK (request_hash ~ '^[0-9a-f]{64}$'),
  -- The request that runs or ran; only it may finish or release the row.
  request_id text NOT NULL,
  -- Null while the first request runs.
  sealed_answer text,
  lease_until timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX idempotency_keys_expiry ON control.idempotency_keys (expires_at);

GRANT USAGE ON SCHEMA control TO sentinel_control;
GRANT EXECUTE ON FUNCTION control.rfc3339(timestamptz) TO sentinel_control;
GRANT SELECT, INSERT, UPDATE ON control.users TO sentinel_control;
GRANT SELECT, INSERT, DELETE ON control.registrations TO sentinel_control;
GRANT SELECT, INSERT, UPDATE, DELETE ON control.sessions TO sentinel_control;
GRANT SELECT, INSERT, UPDATE ON control.refresh_families TO sentinel_control;
GRANT SELECT, INSERT, UPDATE ON control.refresh_tokens TO sentinel_control;
GRANT SELECT, INSERT, UPDATE ON control.organisations TO sentinel_control;
GRANT SELECT, INSERT, UPDATE, DELETE ON control.memberships TO sentinel_control;
GRANT SELECT, INSERT, UPDATE ON control.invitations TO sentinel_control;
GRANT SELECT, INSERT, UPDATE ON control.org_policies TO sentinel_control;
GRANT SELECT, INSERT, UPDATE, DELETE ON control.idempotency_keys TO sentinel_control;
GRANT SELECT, INSERT ON control.operation_receipts TO sentinel_control;
