-- Whom the rows of this schema are for. A tenant's role can set any GUC and its own search_path, so
-- nothing may rest on a plain setting: `sentinel.scope` carries a signed scope, and only functions
-- that run as the schema's owner can read the key which checks it.
--
-- For the files that follow: every table gets row level security; a policy asks (SELECT
-- {{schema}}.scope_role()) and (SELECT {{schema}}.scope_user()), in a sub-select so that the signature
-- is checked once a statement and not once a row; GRANTs name {{role}} and only what it needs.

REVOKE ALL ON SCHEMA {{schema}} FROM PUBLIC;
GRANT USAGE ON SCHEMA {{schema}} TO {{role}};
ALTER DEFAULT PRIVILEGES IN SCHEMA {{schema}} REVOKE ALL ON TABLES FROM PUBLIC;
REVOKE ALL ON {{schema}}.schema_migrations FROM PUBLIC;

-- HMAC's key as its two padded blocks (RFC 2104), so that sha256() is enough and no extension is
-- needed. No grant: the tenant's role can't read it. Written by the provisioner.
CREATE TABLE {{schema}}.scope_key (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  inner_pad bytea NOT NULL CHECK (octet_length(inner_pad) = 64),
  outer_pad bytea NOT NULL CHECK (octet_length(outer_pad) = 64)
);
ALTER TABLE {{schema}}.scope_key ENABLE ROW LEVEL SECURITY;

-- The verified claims {u, r, exp} of the current setting, or null: absent, malformed, forged, expired.
CREATE FUNCTION {{schema}}.scope_claims() RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  token text := current_setting('sentinel.scope', true);
  parts text[];
  key record;
  expected bytea;
  claims jsonb;
BEGIN
  -- Parsed before anything is computed: an over-long setting costs nothing.
  IF token IS NULL OR octet_length(token) > 1024 OR token !~ '^v1\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}$' THEN
    RETURN NULL;
  END IF;
  parts := string_to_array(token, '.');
  SELECT k.inner_pad, k.outer_pad INTO key FROM {{schema}}.scope_key k;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  expected := sha256(key.outer_pad || sha256(key.inner_pad || convert_to(parts[1] || '.' || parts[2], 'UTF8')));
  -- Hashes are compared and not the MACs: how early they differ tells an attacker nothing to build on.
  IF sha256(expected) <> sha256(decode(translate(parts[3], '-_', '+/') || '=', 'base64')) THEN
    RETURN NULL;
  END IF;
  -- From here on the text is ours.
  claims := convert_from(
    decode(rpad(translate(parts[2], '-_', '+/'), (octet_length(parts[2]) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::jsonb;
  -- The wall clock: a transaction held open must not keep a scope alive.
  IF (claims ->> 'exp')::bigint <= extract(epoch FROM clock_timestamp()) THEN
    RETURN NULL;
  END IF;
  IF (claims ->> 'r') NOT IN ('owner', 'admin', 'analyst', 'viewer', 'readonly', 'system') THEN
    RETURN NULL;
  END IF;
  RETURN claims;
END
$$;

-- One of the five roles, `system` for a job, or null.
CREATE FUNCTION {{schema}}.scope_role() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT {{schema}}.scope_claims() ->> 'r' $$;

-- The user's id; null for a job and without a valid scope.
CREATE FUNCTION {{schema}}.scope_user() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT {{schema}}.scope_claims() ->> 'u' $$;

REVOKE ALL ON FUNCTION {{schema}}.scope_claims(), {{schema}}.scope_role(), {{schema}}.scope_user() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {{schema}}.scope_role(), {{schema}}.scope_user() TO {{role}};

-- Written in the same transaction as the work of a request. The audit reconciler looks here for
-- what really happened.
CREATE TABLE {{schema}}.operation_receipts (
  request_id text PRIMARY KEY CHECK (char_length(request_id) BETWEEN 1 AND 128),
  at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE {{schema}}.operation_receipts ENABLE ROW LEVEL SECURITY;
CREATE POLICY receipts_read ON {{schema}}.operation_receipts FOR SELECT TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IS NOT NULL);
CREATE POLICY receipts_add ON {{schema}}.operation_receipts FOR INSERT TO {{role}}
  WITH CHECK ((SELECT {{schema}}.scope_role()) IS NOT NULL);
GRANT SELECT, INSERT ON {{schema}}.operation_receipts TO {{role}};
