-- While the root secret changes, scopes of two keys are good: of the new one, and for some minutes of the one
-- before, which requests that are under way were given.

ALTER TABLE {{schema}}.scope_key
  ADD COLUMN previous_inner_pad bytea CHECK (octet_length(previous_inner_pad) = 64),
  ADD COLUMN previous_outer_pad bytea CHECK (octet_length(previous_outer_pad) = 64),
  -- It ends by itself, whoever dies in the midst of a change.
  ADD COLUMN previous_until timestamptz,
  ADD CONSTRAINT scope_key_previous CHECK (
    (previous_inner_pad IS NULL) = (previous_outer_pad IS NULL) AND (previous_inner_pad IS NULL) = (previous_until IS NULL));

CREATE OR REPLACE FUNCTION {{schema}}.scope_claims() RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
SET transform_null_equals = off
AS $$
DECLARE
  token text := current_setting('sentinel.scope', true);
  parts text[];
  key record;
  signed bytea;
  given bytea;
  claims jsonb;
BEGIN
  -- Parsed before anything is computed: an over-long setting costs nothing.
  IF token IS NULL OR octet_length(token) > 1024 OR token !~ '^v1[.][A-Za-z0-9_-]+[.][A-Za-z0-9_-]{43}$' THEN
    RETURN NULL;
  END IF;
  parts := string_to_array(token, '.');
  IF cardinality(parts) IS DISTINCT FROM 3 THEN
    RETURN NULL;
  END IF;
  SELECT * INTO key FROM {{schema}}.scope_key k;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  signed := convert_to(parts[1] || '.' || parts[2], 'UTF8');
  -- Hashes are compared and not the MACs: how early they differ tells an attacker nothing to build on.
  -- What is null differs from everything.
  given := sha256(decode(translate(parts[3], '-_', '+/') || '=', 'base64'));
  IF (sha256(sha256(key.outer_pad || sha256(key.inner_pad || signed))) = given) IS NOT TRUE
    AND (key.previous_until > clock_timestamp()
      AND sha256(sha256(key.previous_outer_pad || sha256(key.previous_inner_pad || signed))) = given) IS NOT TRUE
  THEN
    RETURN NULL;
  END IF;
  -- From here on the text is ours.
  claims := convert_from(
    decode(rpad(translate(parts[2], '-_', '+/'), (octet_length(parts[2]) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::jsonb;
  -- The wall clock: a transaction held open must not keep a scope alive.
  IF ((claims ->> 'exp')::bigint > extract(epoch FROM clock_timestamp())) IS NOT TRUE THEN
    RETURN NULL;
  END IF;
  IF ((claims ->> 'r') IN ('owner', 'admin', 'analyst', 'viewer', 'readonly', 'system')) IS NOT TRUE THEN
    RETURN NULL;
  END IF;
  RETURN claims;
END
$$;
