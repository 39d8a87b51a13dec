-- What a person proves themselves with besides a password (NIST SP 800-63B-4 §3.1).

-- RFC 6238. One confirmed secret a person, and one that waits for its first code.
CREATE TABLE control.totp_secrets (
  id text PRIMARY KEY CHECK (id ~ '^otp_[0-9a-z]{26}$'),
  user_id text NOT NULL REFERENCES control.users ON DELETE CASCADE,
  -- AES-256-GCM under IDENTITY_KEY, bound to this row's id.
  sealed_secret text NOT NULL,
  created_at timestamptz NOT NULL,
  -- Null until the first code: what nobody has shown to work must lock nobody out.
  confirmed_at timestamptz,
  -- The newest time step whose code was taken; none up to it is good again (RFC 6238 §5.2).
  last_step bigint CHECK (last_step >= 0),
  CONSTRAINT totp_secrets_confirmed_by_a_code CHECK ((confirmed_at IS NULL) = (last_step IS NULL))
);
CREATE UNIQUE INDEX totp_secrets_confirmed ON control.totp_secrets (user_id) WHERE confirmed_at IS NOT NULL;
CREATE UNIQUE INDEX totp_secrets_waiting ON control.totp_secrets (user_id) WHERE confirmed_at IS NULL;

CREATE TABLE control.passkeys (
  id text PRIMARY KEY CHECK (id ~ '^pky_[0-9a-z]{26}$'),
  user_id text NOT NULL REFERENCES control.users ON DELETE CASCADE,
  -- base64url of at most 1023 bytes (WebAuthn §4). One credential is one person's.
  credential_id text NOT NULL UNIQUE CHECK (credential_id ~ '^[A-Za-z0-9_-]+$' AND length(credential_id) <= 1364),
  -- COSE_Key, base64url.
  public_key text NOT NULL,
  -- Signature counter; stays 0 where the authenticator has none (WebAuthn §6.1.1).
  counter bigint NOT NULL CHECK (counter BETWEEN 0 AND 4294967295),
  transports text[] NOT NULL,
  -- True when the authenticator keeps copies elsewhere (WebAuthn §6.1.3).
  backed_up boolean NOT NULL,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  created_at timestamptz NOT NULL,
  last_used_at timestamptz
);
CREATE INDEX passkeys_user ON control.passkeys (user_id, id);

CREATE TABLE control.recovery_codes (
  user_id text NOT NULL REFERENCES control.users ON DELETE CASCADE,
  code_hash text NOT NULL CHECK (code_hash ~ '^[0-9a-f]{64}$'),
  created_at timestamptz NOT NULL,
  used_at timestamptz,
  PRIMARY KEY (user_id, code_hash)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON control.totp_secrets, control.passkeys, control.recovery_codes
  TO sentinel_control;

-- Asked with every request, so once: whether a person has a second factor. A recovery code is none by itself.
CREATE FUNCTION control.has_factor(person text) RETURNS boolean
  LANGUAGE sql STABLE STRICT PARALLEL SAFE
  AS $$ SELECT EXISTS (SELECT FROM control.totp_secrets WHERE user_id = person AND confirmed_at IS NOT NULL)
    OR EXISTS (SELECT FROM control.passkeys WHERE user_id = person) $$;
GRANT EXECUTE ON FUNCTION control.has_factor(text) TO sentinel_control;
