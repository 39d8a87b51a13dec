-- Ownership inside a tenant, against whoever runs SQL of their own in the session of a request.
--
-- 1. What a function means depends on settings of the session, too. With standard_conforming_strings
--    off, '\.' in the body of scope_claims() became '.', so that a scope without a third part passed
--    the pattern, and a comparison with its missing signature is neither true nor false: whoever could
--    run SQL could be the owner. Now every function that reads a scope brings along each setting that
--    says how its text is read; the check is made of what can't be null; and no backslash stands in it.
-- 2. Row level security holds for the owner of the tables as well, so that a SECURITY DEFINER function
--    sees what its policies say and not everything. Checks of foreign keys are exempt (Postgres runs
--    them without FORCE). A migration that changes rows says NO FORCE first and FORCE after.
-- 3. Receipts are written by the roles that may change something, and not read by those that may not.

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
  expected bytea;
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
  SELECT k.inner_pad, k.outer_pad INTO key FROM {{schema}}.scope_key k;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  expected := sha256(key.outer_pad || sha256(key.inner_pad || convert_to(parts[1] || '.' || parts[2], 'UTF8')));
  -- Hashes are compared and not the MACs: how early they differ tells an attacker nothing to build on.
  -- What is null differs from everything.
  IF (sha256(expected) = sha256(decode(translate(parts[3], '-_', '+/') || '=', 'base64'))) IS NOT TRUE THEN
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

DO $$
DECLARE
  reader text;
BEGIN
  FOR reader IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = '{{schema}}'::regnamespace LOOP
    EXECUTE format('ALTER FUNCTION %s SET standard_conforming_strings = on', reader);
    EXECUTE format('ALTER FUNCTION %s SET transform_null_equals = off', reader);
  END LOOP;
END
$$;

-- What scope_groups() and scope_devices() are for, and all that the owner of the tables sees. No policy
-- of group_members may ask scope_groups(), which reads it.
CREATE POLICY group_members_of_scope ON {{schema}}.group_members FOR SELECT TO CURRENT_USER
  USING ((SELECT {{schema}}.scope_role()) IN ('analyst', 'viewer') AND user_id = (SELECT {{schema}}.scope_user()));
CREATE POLICY group_devices_of_scope ON {{schema}}.group_devices FOR SELECT TO CURRENT_USER
  USING (group_id IN (SELECT {{schema}}.scope_groups()));

-- What the functions of telemetry do for jobs, and what a removed device leaves to them.
CREATE POLICY devices_of_jobs ON {{schema}}.devices FOR SELECT TO CURRENT_USER
  USING ((SELECT {{schema}}.scope_role()) = 'system');
CREATE POLICY telemetry_of_jobs ON {{schema}}.telemetry FOR ALL TO CURRENT_USER
  USING ((SELECT {{schema}}.scope_role()) = 'system');
CREATE POLICY telemetry_minutes_of_jobs ON {{schema}}.telemetry_minutes FOR ALL TO CURRENT_USER
  USING ((SELECT {{schema}}.scope_role()) = 'system');
CREATE POLICY telemetry_hours_of_jobs ON {{schema}}.telemetry_hours FOR ALL TO CURRENT_USER
  USING ((SELECT {{schema}}.scope_role()) = 'system');
CREATE POLICY telemetry_dirty_of_jobs ON {{schema}}.telemetry_dirty FOR ALL TO CURRENT_USER
  USING ((SELECT {{schema}}.scope_role()) = 'system');
CREATE POLICY telemetry_retimed_of_jobs ON {{schema}}.telemetry_retimed FOR ALL TO CURRENT_USER
  USING ((SELECT {{schema}}.scope_role()) = 'system');
CREATE POLICY telemetry_removed_of_jobs ON {{schema}}.telemetry_removed FOR ALL TO CURRENT_USER
  USING ((SELECT {{schema}}.scope_role()) = 'system');
-- Noted by a trigger, whoever removed the device.
CREATE POLICY telemetry_removed_add ON {{schema}}.telemetry_removed FOR INSERT TO CURRENT_USER WITH CHECK (true);

ALTER TABLE {{schema}}.operation_receipts FORCE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.enrollment_codes FORCE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.devices FORCE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.commands FORCE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.groups FORCE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.group_devices FORCE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.group_members FORCE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.telemetry FORCE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.telemetry_minutes FORCE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.telemetry_hours FORCE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.telemetry_dirty FORCE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.telemetry_retimed FORCE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.telemetry_removed FORCE ROW LEVEL SECURITY;

-- Two tables are not forced: the key, which nobody else has any right to and scope_claims() alone reads,
-- and telemetry_policy, which holds no row of anybody's and is the owner's to write.

ALTER POLICY receipts_read ON {{schema}}.operation_receipts
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'system'));
ALTER POLICY receipts_add ON {{schema}}.operation_receipts
  WITH CHECK ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'analyst', 'system'));
