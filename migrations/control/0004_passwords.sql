-- Passwords: failed attempts that slow the next one down, resets by mail, changes of address.

-- One row a key: an account, an address, or a browser that is known to an account. Keys are keyed hashes,
-- so the table names nobody, and there are rows for accounts that do not exist.
CREATE TABLE control.sign_in_failures (
  key_hash text PRIMARY KEY CHECK (key_hash ~ '^[0-9a-f]{64}$'),
  -- Attempts since the last one that was right, those under way among them: each is counted before it is made.
  failures integer NOT NULL CHECK (failures >= 0),
  -- No attempt is made before this moment.
  blocked_until timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX sign_in_failures_expiry ON control.sign_in_failures (expires_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON control.sign_in_failures TO sentinel_control;

-- A person whose password is shorter than one alone must be (15 characters) signs in with a second factor
-- or not at all.
ALTER TABLE control.users ADD COLUMN password_needs_factor boolean NOT NULL DEFAULT false;

-- Asked for by anybody, for any address: an address without an account gets a row without a person, which
-- opens nothing, so that both cost the same.
CREATE TABLE control.password_resets (
  token_hash text PRIMARY KEY CHECK (token_hash ~ '^[0-9a-f]{64}$'),
  -- Keyed hash of the address that was named: bounds the mail to it.
  address_hash text NOT NULL CHECK (address_hash ~ '^[0-9a-f]{64}$'),
  user_id text REFERENCES control.users ON DELETE CASCADE,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX password_resets_address ON control.password_resets (address_hash, created_at);
CREATE INDEX password_resets_user ON control.password_resets (user_id);
CREATE INDEX password_resets_expiry ON control.password_resets (expires_at);
GRANT SELECT, INSERT, DELETE ON control.password_resets TO sentinel_control;

-- One open change a person. It happens when the old and the new address have both agreed.
CREATE TABLE control.email_changes (
  user_id text PRIMARY KEY REFERENCES control.users ON DELETE CASCADE,
  new_email text NOT NULL CHECK (length(new_email) <= 254 AND new_email = lower(new_email)),
  old_token_hash text NOT NULL UNIQUE CHECK (old_token_hash ~ '^[0-9a-f]{64}$'),
  new_token_hash text NOT NULL UNIQUE CHECK (new_token_hash ~ '^[0-9a-f]{64}$'),
  -- How often it was asked for while open: each time two mails leave.
  times integer NOT NULL DEFAULT 1,
  old_confirmed_at timestamptz,
  new_confirmed_at timestamptz,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX email_changes_expiry ON control.email_changes (expires_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON control.email_changes TO sentinel_control;
