-- What more than one way of proving identity rests on: accounts of programs, what a session was proven
-- with, and sign-ins that take several steps.

-- A service account is a user without an address or a password: it is a member with a role like any
-- other, so that rights, groups and row-level security hold for it unchanged. A person who signs in
-- with a passkey or an outside issuer alone has no password either.
ALTER TABLE control.users
  ALTER COLUMN email DROP NOT NULL,
  ALTER COLUMN password_hash DROP NOT NULL,
  ADD COLUMN kind text NOT NULL DEFAULT 'person' CHECK (kind IN ('person', 'service')),
  ADD CONSTRAINT users_person_has_email CHECK (kind = 'service' OR email IS NOT NULL),
  ADD CONSTRAINT users_service_has_no_secret CHECK (kind = 'person' OR (email IS NULL AND password_hash IS NULL));

ALTER TABLE control.sessions
  -- A session of an API key ends with the key, not after an idle hour.
  ADD COLUMN kind text NOT NULL DEFAULT 'person' CHECK (kind IN ('person', 'api_key')),
  ADD COLUMN method text NOT NULL DEFAULT 'password'
    CHECK (method IN ('password', 'passkey', 'oidc', 'supabase', 'api_key')),
  -- True once a second factor, or a passkey that verified its user, was shown in this session.
  ADD COLUMN mfa boolean NOT NULL DEFAULT false,
  -- When the person last proved themselves with the strongest that they have: what step-up looks at.
  ADD COLUMN proven_at timestamptz;
UPDATE control.sessions SET proven_at = created_at;
ALTER TABLE control.sessions ALTER COLUMN proven_at SET NOT NULL;

-- A member may be disabled in one organisation and stay what they are in the others.
ALTER TABLE control.memberships ADD COLUMN disabled_at timestamptz;

-- A sign-in, registration or proof that takes more than one request. Its holder has the secret; what the
-- server must remember (a WebAuthn challenge, a PKCE verifier, who passed the first step) is here. Each
-- is good once, for one kind.
CREATE TABLE control.ceremonies (
  token_hash text PRIMARY KEY CHECK (token_hash ~ '^[0-9a-f]{64}$'),
  kind text NOT NULL CHECK (kind IN
    ('mfa', 'passkey_sign_in', 'passkey_registration', 'passkey_proof', 'outside_sign_in', 'link')),
  user_id text REFERENCES control.users ON DELETE CASCADE,
  session_id text REFERENCES control.sessions ON DELETE CASCADE,
  data jsonb NOT NULL,
  -- Wrong codes so far; a ceremony takes a bounded number.
  failures integer NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX ceremonies_expiry ON control.ceremonies (expires_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON control.ceremonies TO sentinel_control;

ALTER TABLE control.org_policies DROP CONSTRAINT org_policies_name_check;
ALTER TABLE control.org_policies ADD CONSTRAINT org_policies_name_check CHECK (name IN ('geo', 'tls', 'mfa'));
