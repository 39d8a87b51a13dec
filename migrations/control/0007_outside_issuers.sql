-- Outside issuers: who proves people to us besides ourselves (docs/adr/0012-outside-identities.md).

-- A provider of one organisation (org_id) or of the whole platform (null). Issuer and client never
-- change: what an identity means depends on both (a subject is the issuer's, and some issuers make it
-- for one client alone).
CREATE TABLE control.identity_providers (
  id text PRIMARY KEY CHECK (id ~ '^idp_[0-9a-z]{26}$'),
  org_id text REFERENCES control.organisations ON DELETE CASCADE,
  kind text NOT NULL CHECK (kind IN ('google', 'microsoft', 'oidc', 'supabase')),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  issuer text NOT NULL CHECK (length(issuer) BETWEEN 1 AND 512),
  client_id text CHECK (length(client_id) BETWEEN 1 AND 512),
  -- What the provider's tokens are verified with; `hs256` (a shared secret) only for Supabase, by name.
  signing text NOT NULL CHECK (signing IN ('jwks', 'hs256')),
  enabled boolean NOT NULL,
  -- May make accounts.
  allow_sign_up boolean NOT NULL,
  -- Its word on a second factor counts.
  trusts_mfa boolean NOT NULL,
  -- Supabase alone: its administrator says that it confirms addresses before it signs anybody in.
  confirms_email boolean NOT NULL,
  -- Whoever is new to the organisation joins with this role if their address is of one of the domains.
  default_role text CHECK (default_role IN ('analyst', 'viewer', 'readonly')),
  email_domains text[] NOT NULL CHECK (cardinality(email_domains) <= 20),
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT identity_providers_client CHECK ((kind = 'supabase') = (client_id IS NULL)),
  CONSTRAINT identity_providers_signing CHECK (kind = 'supabase' OR signing = 'jwks'),
  CONSTRAINT identity_providers_joining CHECK (org_id IS NOT NULL OR (default_role IS NULL AND email_domains = '{}'))
);
CREATE UNIQUE INDEX identity_providers_one
  ON control.identity_providers (coalesce(org_id, ''), issuer, coalesce(client_id, ''));

-- Client secrets (or a Supabase project's HS256 secret), sealed under IDENTITY_KEY. At most two of a
-- provider are live.
CREATE TABLE control.provider_secrets (
  id text PRIMARY KEY CHECK (id ~ '^ips_[0-9a-z]{26}$'),
  provider_id text NOT NULL REFERENCES control.identity_providers ON DELETE CASCADE,
  -- Null once it is retired: nothing is left to steal.
  sealed text CHECK ((sealed IS NULL) = (retired_at IS NOT NULL)),
  created_at timestamptz NOT NULL,
  expires_at timestamptz,
  -- The provider took it for the first time.
  proven_at timestamptz,
  retired_at timestamptz,
  -- The smallest number of days before the expiry that a reminder was mailed for.
  reminded_days smallint
);
CREATE INDEX provider_secrets_provider ON control.provider_secrets (provider_id, id);

-- Who a subject of a provider is here. Never by address: addresses change hands.
CREATE TABLE control.identities (
  provider_id text NOT NULL REFERENCES control.identity_providers ON DELETE CASCADE,
  subject text NOT NULL CHECK (length(subject) BETWEEN 1 AND 255),
  user_id text NOT NULL REFERENCES control.users ON DELETE CASCADE,
  -- As the provider last said it, for people to tell their identities apart; nothing looks anything up by it.
  email text,
  created_at timestamptz NOT NULL,
  last_used_at timestamptz,
  PRIMARY KEY (provider_id, subject),
  UNIQUE (user_id, provider_id)
);

-- A session that an organisation's own provider opened counts in that organisation alone: its
-- administrators choose the issuer, and could otherwise sign in as their members everywhere else.
ALTER TABLE control.sessions ADD COLUMN only_org text REFERENCES control.organisations ON DELETE CASCADE;

GRANT SELECT, INSERT, UPDATE, DELETE ON control.identity_providers TO sentinel_control;
GRANT SELECT, INSERT, UPDATE ON control.provider_secrets TO sentinel_control;
GRANT SELECT, INSERT, UPDATE, DELETE ON control.identities TO sentinel_control;
