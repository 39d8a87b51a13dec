/** Generated from migrations/tenant by scripts/migrate/bundle-tenant.ts; change the files there. */
import type { TenantMigration } from "./tenant-schema.ts";

export const tenantMigrations: readonly TenantMigration[] = [
  {
    number: 1,
    name: "0001_scope.sql",
    checksum: "254931f4e11acf30cf38a7c19548a5841ac344be57767656ccaf7a8755a851a3",
    sql: `-- Whom the rows of this schema are for. A tenant's role can set any GUC and its own search_path, so
-- nothing may rest on a plain setting: \`sentinel.scope\` carries a signed scope, and only functions
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
  IF token IS NULL OR octet_length(token) > 1024 OR token !~ '^v1\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]{43}$' THEN
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

-- One of the five roles, \`system\` for a job, or null.
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
`,
  },
  {
    number: 2,
    name: "0002_devices.sql",
    checksum: "14213457bbd86ce5be45c4bf89cbbcbb33fc470ae5974d22774512470629e1fd",
    sql: `-- Devices, enrolment codes, telemetry, commands and groups of one tenant.
--
-- Who sees and writes what (the rows of ARCHITECTURE.md's role table that concern devices):
--   owner, admin      everything
--   readonly          everything but enrolment codes, no writes
--   analyst, viewer   devices in groups assigned to them with telemetry and commands, these groups,
--                     and of the groups' members only themselves. No writes: "writes own" of an
--                     analyst names nothing here yet, because no row of this file is made by one
--   system (jobs)     everything, and alone makes devices and telemetry and stores replies
--   no valid scope    nothing
--
-- scope_role() and scope_user() stand in a sub-select everywhere, so that the signature of the scope
-- is checked once a query and not once a row. The owner of these tables (the provisioner) is not
-- subject to the policies, and the two SECURITY DEFINER functions below run as it: that is how a
-- policy can read group_members without recursing into the policy of group_members.
-- No statement of this file has a semicolon inside, so that it can be split at line ends by one.

CREATE TABLE {{schema}}.enrollment_codes (
  id text PRIMARY KEY CHECK (id ~ '^enc_[0-9a-z]{26}$'),
  -- Of the normalised code. The code has 100 random bits, so a plain hash cannot be searched.
  code_sha256 text NOT NULL UNIQUE CHECK (code_sha256 ~ '^[0-9a-f]{64}$'),
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
  expires_at timestamptz NOT NULL,
  max_uses integer NOT NULL CHECK (max_uses BETWEEN 1 AND 100000),
  -- The check is the second lock: redemption itself never goes beyond max_uses.
  uses integer NOT NULL DEFAULT 0 CHECK (uses BETWEEN 0 AND max_uses),
  created_by text NOT NULL CHECK (char_length(created_by) BETWEEN 1 AND 64),
  created_at timestamptz NOT NULL DEFAULT now(),
  revoked_at timestamptz
);

CREATE TABLE {{schema}}.devices (
  id text PRIMARY KEY CHECK (id ~ '^dev_[0-9a-z]{26}$'),
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
  platform text NOT NULL CHECK (char_length(platform) BETWEEN 1 AND 100),
  -- The token itself is shown once and never stored.
  token_sha256 text NOT NULL CHECK (token_sha256 ~ '^[0-9a-f]{64}$'),
  public_key text CHECK (char_length(public_key) BETWEEN 1 AND 1024),
  enrolled_at timestamptz NOT NULL DEFAULT now(),
  enrollment_code_id text NOT NULL REFERENCES {{schema}}.enrollment_codes (id),
  last_seen_at timestamptz,
  online boolean NOT NULL DEFAULT false
);

-- No foreign key to devices: readings that were acknowledged before a device was removed may arrive
-- after it, and one of them must not hold up the batch it travels in. Ids are never used again, so
-- what stays behind of a removed device is out of everybody's reach until it is swept.
CREATE TABLE {{schema}}.telemetry (
  device_id text NOT NULL CHECK (char_length(device_id) BETWEEN 1 AND 64),
  sample_id text NOT NULL CHECK (char_length(sample_id) BETWEEN 1 AND 64),
  at timestamptz NOT NULL,
  received_at timestamptz NOT NULL,
  -- 64 names of 64 characters with their numbers are at most 7 KiB. Measured in its stored form,
  -- because the text of 1e308 is 309 digits long.
  metrics jsonb NOT NULL CHECK (jsonb_typeof(metrics) = 'object' AND pg_column_size(metrics) <= 16384),
  PRIMARY KEY (device_id, sample_id)
);
CREATE INDEX telemetry_device_at ON {{schema}}.telemetry (device_id, at);

CREATE TABLE {{schema}}.commands (
  id text PRIMARY KEY CHECK (id ~ '^cmd_[0-9a-z]{26}$'),
  device_id text NOT NULL REFERENCES {{schema}}.devices (id) ON DELETE CASCADE,
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 64),
  args jsonb NOT NULL CHECK (jsonb_typeof(args) = 'object' AND pg_column_size(args) <= 131072),
  issued_by text NOT NULL CHECK (char_length(issued_by) BETWEEN 1 AND 64),
  issued_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  -- A reply is one MQTT packet of at most 64 KiB. Its stored form can be several times that.
  reply jsonb CHECK (pg_column_size(reply) <= 1048576),
  replied_at timestamptz
);
CREATE INDEX commands_device ON {{schema}}.commands (device_id, id);

CREATE TABLE {{schema}}.groups (
  id text PRIMARY KEY CHECK (id ~ '^grp_[0-9a-z]{26}$'),
  name text NOT NULL UNIQUE CHECK (char_length(name) BETWEEN 1 AND 100),
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE {{schema}}.group_devices (
  group_id text NOT NULL REFERENCES {{schema}}.groups (id) ON DELETE CASCADE,
  device_id text NOT NULL REFERENCES {{schema}}.devices (id) ON DELETE CASCADE,
  PRIMARY KEY (group_id, device_id)
);
CREATE INDEX group_devices_device ON {{schema}}.group_devices (device_id);

CREATE TABLE {{schema}}.group_members (
  group_id text NOT NULL REFERENCES {{schema}}.groups (id) ON DELETE CASCADE,
  -- People live in the control schema, perhaps in another cluster, so nothing can be referenced.
  user_id text NOT NULL CHECK (char_length(user_id) BETWEEN 1 AND 64),
  PRIMARY KEY (group_id, user_id)
);
CREATE INDEX group_members_user ON {{schema}}.group_members (user_id);

-- Groups assigned to the analyst or viewer who asks. Empty for everybody else.
CREATE FUNCTION {{schema}}.scope_groups() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  SELECT m.group_id FROM {{schema}}.group_members m
  WHERE (SELECT {{schema}}.scope_role()) IN ('analyst', 'viewer') AND m.user_id = (SELECT {{schema}}.scope_user())
$$;

-- Devices in those groups.
CREATE FUNCTION {{schema}}.scope_devices() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  SELECT DISTINCT d.device_id FROM {{schema}}.group_devices d
  WHERE d.group_id IN (SELECT {{schema}}.scope_groups())
$$;

REVOKE ALL ON FUNCTION {{schema}}.scope_groups(), {{schema}}.scope_devices() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {{schema}}.scope_groups(), {{schema}}.scope_devices() TO {{role}};

ALTER TABLE {{schema}}.enrollment_codes ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.devices ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.telemetry ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.commands ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.groups ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.group_devices ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.group_members ENABLE ROW LEVEL SECURITY;

CREATE POLICY enrollment_codes_read ON {{schema}}.enrollment_codes FOR SELECT TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'system'));
CREATE POLICY enrollment_codes_add ON {{schema}}.enrollment_codes FOR INSERT TO {{role}}
  WITH CHECK ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin') AND created_by = (SELECT {{schema}}.scope_user()));
CREATE POLICY enrollment_codes_change ON {{schema}}.enrollment_codes FOR UPDATE TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'system'));

CREATE POLICY devices_read ON {{schema}}.devices FOR SELECT TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'readonly', 'system')
    OR id IN (SELECT {{schema}}.scope_devices()));
CREATE POLICY devices_add ON {{schema}}.devices FOR INSERT TO {{role}}
  WITH CHECK ((SELECT {{schema}}.scope_role()) = 'system');
CREATE POLICY devices_change ON {{schema}}.devices FOR UPDATE TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'system'));
CREATE POLICY devices_remove ON {{schema}}.devices FOR DELETE TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'system'));

CREATE POLICY telemetry_read ON {{schema}}.telemetry FOR SELECT TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'readonly', 'system')
    OR device_id IN (SELECT {{schema}}.scope_devices()));
CREATE POLICY telemetry_add ON {{schema}}.telemetry FOR INSERT TO {{role}}
  WITH CHECK ((SELECT {{schema}}.scope_role()) = 'system');

CREATE POLICY commands_read ON {{schema}}.commands FOR SELECT TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'readonly', 'system')
    OR device_id IN (SELECT {{schema}}.scope_devices()));
CREATE POLICY commands_add ON {{schema}}.commands FOR INSERT TO {{role}}
  WITH CHECK ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin') AND issued_by = (SELECT {{schema}}.scope_user()));
CREATE POLICY commands_reply ON {{schema}}.commands FOR UPDATE TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) = 'system');

CREATE POLICY groups_read ON {{schema}}.groups FOR SELECT TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'readonly', 'system')
    OR id IN (SELECT {{schema}}.scope_groups()));
CREATE POLICY groups_write ON {{schema}}.groups FOR ALL TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'system'));

CREATE POLICY group_devices_read ON {{schema}}.group_devices FOR SELECT TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'readonly', 'system')
    OR group_id IN (SELECT {{schema}}.scope_groups()));
CREATE POLICY group_devices_write ON {{schema}}.group_devices FOR ALL TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'system'));

CREATE POLICY group_members_read ON {{schema}}.group_members FOR SELECT TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'readonly', 'system')
    OR ((SELECT {{schema}}.scope_role()) IN ('analyst', 'viewer') AND user_id = (SELECT {{schema}}.scope_user())));
CREATE POLICY group_members_write ON {{schema}}.group_members FOR ALL TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'system'));

-- Only what is needed, by column where rows are changed. Telemetry is never changed or deleted, and
-- neither is an enrolment code.
GRANT SELECT, INSERT ON {{schema}}.enrollment_codes TO {{role}};
GRANT UPDATE (uses, revoked_at) ON {{schema}}.enrollment_codes TO {{role}};
GRANT SELECT, INSERT, DELETE ON {{schema}}.devices TO {{role}};
GRANT UPDATE (name, token_sha256, last_seen_at, online) ON {{schema}}.devices TO {{role}};
GRANT SELECT, INSERT ON {{schema}}.telemetry TO {{role}};
GRANT SELECT, INSERT ON {{schema}}.commands TO {{role}};
GRANT UPDATE (reply, replied_at) ON {{schema}}.commands TO {{role}};
GRANT SELECT, INSERT, DELETE ON {{schema}}.groups TO {{role}};
GRANT UPDATE (name) ON {{schema}}.groups TO {{role}};
GRANT SELECT, INSERT, DELETE ON {{schema}}.group_devices TO {{role}};
GRANT SELECT, INSERT, DELETE ON {{schema}}.group_members TO {{role}};
GRANT SELECT ON {{schema}}.operation_receipts TO {{role}};
`,
  },
  {
    number: 3,
    name: "0003_telemetry.sql",
    checksum: "140b3cd8054f3594b89eb3d2452b93ee1bffea2eaa9b59ee34ee350bb825b62c",
    sql: `-- Telemetry at scale: samples partitioned by day, minutes and hours rolled up from them, retention that
-- drops whole partitions. Why it is laid out like this: docs/adr/0015-telemetry.md.
--
-- The tenant's role may only read here. Whatever writes is a function that runs as the schema's owner,
-- asks for the scope \`system\` before anything else and takes no identifier from its caller, so that the
-- role needs neither INSERT nor DDL.

-- How long what is kept, in days; one row. A plan's value is written by the owner of the schema. The
-- lower bounds are what a chart may rely on without asking (store/tenant/telemetry-resolution.ts).
CREATE TABLE {{schema}}.telemetry_policy (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  raw_days integer NOT NULL DEFAULT 30 CHECK (raw_days BETWEEN 7 AND 400),
  minute_days integer NOT NULL DEFAULT 180 CHECK (minute_days BETWEEN 60 AND 3650),
  hour_days integer NOT NULL DEFAULT 1095 CHECK (hour_days BETWEEN 365 AND 3650),
  -- Samples from before it are dropped for good, whatever raw_days becomes: an hour that was rolled up
  -- from all of its samples must never be rolled up again from those few that come too late.
  raw_begins timestamptz NOT NULL DEFAULT '-infinity',
  CHECK (raw_days < minute_days AND minute_days <= hour_days)
);
INSERT INTO {{schema}}.telemetry_policy DEFAULT VALUES;

-- The samples of before. They are moved below if they are few, else by the job, and then this is gone.
ALTER TABLE {{schema}}.telemetry RENAME TO telemetry_unmoved;
ALTER TABLE {{schema}}.telemetry_unmoved RENAME CONSTRAINT telemetry_pkey TO telemetry_unmoved_pkey;
DROP INDEX {{schema}}.telemetry_device_at;
DROP POLICY telemetry_add ON {{schema}}.telemetry_unmoved;
DROP POLICY telemetry_read ON {{schema}}.telemetry_unmoved;
REVOKE ALL ON {{schema}}.telemetry_unmoved FROM {{role}};

-- A day a partition. One index does both: it tells samples apart and finds a device's day. A unique key
-- must hold the partition key, so what tells samples apart is (device, id, time by the device's clock):
-- a sample that is sent again says the same time again.
CREATE TABLE {{schema}}.telemetry (
  device_id text NOT NULL CHECK (char_length(device_id) BETWEEN 1 AND 64),
  sample_id text NOT NULL CHECK (char_length(sample_id) BETWEEN 1 AND 64),
  at timestamptz NOT NULL,
  received_at timestamptz NOT NULL,
  -- 64 names of 64 characters with their numbers are at most 7 KiB. Measured in its stored form,
  -- because the text of 1e308 is 309 digits long.
  metrics jsonb NOT NULL CHECK (jsonb_typeof(metrics) = 'object' AND pg_column_size(metrics) <= 16384),
  PRIMARY KEY (device_id, at, sample_id)
) PARTITION BY RANGE (at);

-- One row a device, metric and hour, with the hour's minutes in arrays beside each other; a minute
-- without a reading has no slot. Sums are exact (numeric), so a mean over any number of minutes is the
-- mean of their samples to the last digit. The metric '' counts samples, whatever they measured: no
-- metric of a device has an empty name.
CREATE TABLE {{schema}}.telemetry_minutes (
  device_id text NOT NULL,
  start timestamptz NOT NULL,
  metric text NOT NULL,
  -- 0 to 59, rising.
  slots smallint[] NOT NULL,
  counts integer[] NOT NULL,
  sums numeric[] NOT NULL,
  lows numeric[] NOT NULL,
  highs numeric[] NOT NULL,
  PRIMARY KEY (device_id, start, metric)
) PARTITION BY RANGE (start);

-- The same for a day's hours: slots 0 to 23.
CREATE TABLE {{schema}}.telemetry_hours (
  device_id text NOT NULL,
  start timestamptz NOT NULL,
  metric text NOT NULL,
  slots smallint[] NOT NULL,
  counts integer[] NOT NULL,
  sums numeric[] NOT NULL,
  lows numeric[] NOT NULL,
  highs numeric[] NOT NULL,
  PRIMARY KEY (device_id, start, metric)
) PARTITION BY RANGE (start);

-- Hours of which the samples say more than the roll-ups. Who reads takes such an hour from its samples,
-- so a roll-up is never in the way of what is true. Rows come and go and are touched by each batch.
CREATE TABLE {{schema}}.telemetry_dirty (
  device_id text NOT NULL,
  hour timestamptz NOT NULL,
  PRIMARY KEY (device_id, hour)
) WITH (fillfactor = 50);
CREATE INDEX telemetry_dirty_hour ON {{schema}}.telemetry_dirty (hour, device_id);

-- Samples whose device claimed a time that had not come, and the time at which they are kept instead.
CREATE TABLE {{schema}}.telemetry_retimed (
  device_id text NOT NULL,
  sample_id text NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (device_id, sample_id)
);
CREATE INDEX telemetry_retimed_at ON {{schema}}.telemetry_retimed (at);

-- Devices that were removed: nothing of theirs is stored any more, and what there is gets swept.
CREATE TABLE {{schema}}.telemetry_removed (
  device_id text PRIMARY KEY,
  removed_at timestamptz NOT NULL DEFAULT now(),
  -- When nothing was left to sweep.
  swept_at timestamptz
);

ALTER TABLE {{schema}}.telemetry_policy ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.telemetry ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.telemetry_minutes ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.telemetry_hours ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.telemetry_dirty ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.telemetry_retimed ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.telemetry_removed ENABLE ROW LEVEL SECURITY;

CREATE POLICY telemetry_policy_read ON {{schema}}.telemetry_policy FOR SELECT TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IS NOT NULL);
CREATE POLICY telemetry_read ON {{schema}}.telemetry FOR SELECT TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'readonly', 'system')
    OR device_id IN (SELECT {{schema}}.scope_devices()));
CREATE POLICY telemetry_minutes_read ON {{schema}}.telemetry_minutes FOR SELECT TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'readonly', 'system')
    OR device_id IN (SELECT {{schema}}.scope_devices()));
CREATE POLICY telemetry_hours_read ON {{schema}}.telemetry_hours FOR SELECT TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'readonly', 'system')
    OR device_id IN (SELECT {{schema}}.scope_devices()));
CREATE POLICY telemetry_dirty_read ON {{schema}}.telemetry_dirty FOR SELECT TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'readonly', 'system')
    OR device_id IN (SELECT {{schema}}.scope_devices()));
GRANT SELECT ON {{schema}}.telemetry_policy, {{schema}}.telemetry, {{schema}}.telemetry_minutes,
  {{schema}}.telemetry_hours, {{schema}}.telemetry_dirty TO {{role}};

-- The guard of every function below that the tenant's role may call.
CREATE FUNCTION {{schema}}.telemetry_require_system() RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF {{schema}}.scope_role() IS DISTINCT FROM 'system' THEN
    RAISE EXCEPTION 'only a job writes telemetry' USING ERRCODE = 'insufficient_privilege';
  END IF;
END
$$;

-- Makes the partition of \`parent\` that begins at \`lower\`, if it is missing. ATTACH and not PARTITION OF,
-- which would lock out readers and writers of the whole table. A grant on the parent does not reach a
-- partition and neither do its policies, so: no grant, no policy, forced, and nobody, the owner
-- included, reads or writes one but through the parent.
CREATE FUNCTION {{schema}}.telemetry_partition(parent text, part text, lower_end timestamptz, upper_end timestamptz)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF to_regclass('{{schema}}.' || part) IS NOT NULL THEN
    RETURN;
  END IF;
  -- Of two that find it missing one waits here, and then finds it.
  EXECUTE format('LOCK TABLE {{schema}}.%I IN SHARE UPDATE EXCLUSIVE MODE', parent);
  IF to_regclass('{{schema}}.' || part) IS NOT NULL THEN
    RETURN;
  END IF;
  EXECUTE format('CREATE TABLE {{schema}}.%I (LIKE {{schema}}.%I INCLUDING CONSTRAINTS)', part, parent);
  EXECUTE format('ALTER TABLE {{schema}}.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', part);
  EXECUTE format('ALTER TABLE {{schema}}.%I ATTACH PARTITION {{schema}}.%I FOR VALUES FROM (%L) TO (%L)',
    parent, part, lower_end, upper_end);
END
$$;

-- A partition for each of the days (UTC).
CREATE FUNCTION {{schema}}.telemetry_make_days(days date[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
AS $$
DECLARE
  day date;
BEGIN
  FOREACH day IN ARRAY days LOOP
    PERFORM {{schema}}.telemetry_partition('telemetry', 'telemetry_d' || to_char(day, 'YYYYMMDD'), day, day + 1);
  END LOOP;
END
$$;

-- Stores a batch: [{device, sample, at_ms, received_ms, metrics}, …]. Repeating it changes nothing.
-- \`received_at\` is the hub's clock, \`at\` the device's, which may lie:
--   more than a day ahead of its arrival   kept at the time of its arrival, once (telemetry_retimed)
--   as old as what retention drops next    not stored, and so never stored later either
-- \`stored\` counts what is new, \`too_old\` what was refused for its age, \`retimed\` what lied and is new.
CREATE FUNCTION {{schema}}.telemetry_store(samples json)
RETURNS TABLE (stored integer, too_old integer, retimed integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
AS $$
#variable_conflict use_column
DECLARE
  oldest timestamptz;
  days date[];
BEGIN
  PERFORM {{schema}}.telemetry_require_system();
  -- Two days less than what is kept: a partition that is dropped takes no new sample by then.
  SELECT greatest(now() - make_interval(days => p.raw_days - 2), p.raw_begins) INTO STRICT oldest
  FROM {{schema}}.telemetry_policy p;
  SELECT array_agg(DISTINCT t.at::date) INTO days FROM (
    SELECT to_timestamp((CASE WHEN r.at_ms > r.received_ms + 86400000 THEN r.received_ms ELSE r.at_ms END) / 1000) AS at
    FROM json_to_recordset(samples) AS r(at_ms double precision, received_ms double precision)
  ) t WHERE t.at >= oldest;
  IF days IS NOT NULL THEN
    PERFORM {{schema}}.telemetry_make_days(days);
  END IF;
  RETURN QUERY
  WITH given AS MATERIALIZED (
    SELECT r.device, r.sample, to_timestamp(r.at_ms / 1000) AS at, to_timestamp(r.received_ms / 1000) AS received_at,
      r.metrics, r.at_ms > r.received_ms + 86400000 AS ahead
    FROM json_to_recordset(samples)
      AS r(device text, sample text, at_ms double precision, received_ms double precision, metrics jsonb)
    WHERE NOT EXISTS (SELECT FROM {{schema}}.telemetry_removed x WHERE x.device_id = r.device)
  ), moved AS (
    INSERT INTO {{schema}}.telemetry_retimed AS kept (device_id, sample_id, at)
    SELECT DISTINCT ON (g.device, g.sample) g.device, g.sample, g.received_at FROM given g
    WHERE g.ahead AND g.received_at >= oldest
    ORDER BY g.device, g.sample, g.received_at
    ON CONFLICT DO NOTHING
    RETURNING kept.device_id, kept.sample_id, kept.at
  ), added AS (
    INSERT INTO {{schema}}.telemetry AS kept (device_id, sample_id, at, received_at, metrics)
    SELECT g.device, g.sample, g.at, g.received_at, g.metrics FROM given g
    -- A null time is left to the table to refuse.
    WHERE g.ahead IS NOT TRUE AND (g.at >= oldest) IS NOT FALSE
      -- The claimed time has come in the meantime, and the sample is sent again.
      AND NOT EXISTS (SELECT FROM {{schema}}.telemetry_retimed x WHERE (x.device_id, x.sample_id) = (g.device, g.sample))
      AND NOT EXISTS (SELECT FROM moved x WHERE (x.device_id, x.sample_id) = (g.device, g.sample))
    UNION ALL
    SELECT g.device, g.sample, m.at, g.received_at, g.metrics
    FROM moved m JOIN given g ON g.ahead AND (g.device, g.sample, g.received_at) = (m.device_id, m.sample_id, m.at)
    ON CONFLICT DO NOTHING
    RETURNING kept.device_id, kept.at
  ), marked AS (
    INSERT INTO {{schema}}.telemetry_dirty AS kept (device_id, hour)
    SELECT DISTINCT a.device_id, date_trunc('hour', a.at) FROM added a
    -- In order, so that two batches can't wait for each other.
    ORDER BY 1, 2
    -- An update that changes nothing, because it locks: a roll-up of this hour waits for this batch, or
    -- has ended and then this marks the hour anew. DO NOTHING would leave the sample out for good.
    ON CONFLICT (device_id, hour) DO UPDATE SET hour = EXCLUDED.hour
  )
  SELECT (SELECT count(*)::integer FROM added),
    (SELECT count(*)::integer FROM given g WHERE (CASE WHEN g.ahead THEN g.received_at ELSE g.at END) < oldest),
    (SELECT count(*)::integer FROM moved);
END
$$;

-- Rolls up the oldest hours that are over, at most \`most\` of them (device-hours).
-- Statements of a VOLATILE function see what was committed before each of them began (READ COMMITTED):
-- the claim locks the marks first and the samples are read after it, so a batch either is in what is
-- read or leaves a mark of its own behind. A run cut short leaves everything as it was.
CREATE FUNCTION {{schema}}.telemetry_roll_up(most integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
  SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
  devices text[];
  hours timestamptz[];
  first_hour timestamptz;
  last_hour timestamptz;
  period timestamptz;
BEGIN
  PERFORM {{schema}}.telemetry_require_system();
  SELECT array_agg(c.device_id), array_agg(c.hour), min(c.hour), max(c.hour)
  INTO devices, hours, first_hour, last_hour
  FROM (
    SELECT d.device_id, d.hour FROM {{schema}}.telemetry_dirty d
    -- Five minutes of grace: what a device sends on time is rolled up once.
    WHERE d.hour <= now() - interval '65 minutes'
    ORDER BY d.hour, d.device_id LIMIT most FOR UPDATE SKIP LOCKED
  ) c;
  IF devices IS NULL THEN
    RETURN 0;
  END IF;
  FOR period IN SELECT DISTINCT date_trunc('month', h) FROM unnest(hours) h ORDER BY 1 LOOP
    PERFORM {{schema}}.telemetry_partition('telemetry_minutes', 'telemetry_minutes_m' || to_char(period, 'YYYYMM'),
      period, period + interval '1 month');
  END LOOP;
  FOR period IN SELECT DISTINCT date_trunc('year', h) FROM unnest(hours) h ORDER BY 1 LOOP
    PERFORM {{schema}}.telemetry_partition('telemetry_hours', 'telemetry_hours_y' || to_char(period, 'YYYY'),
      period, period + interval '1 year');
  END LOOP;
  INSERT INTO {{schema}}.telemetry_minutes AS kept (device_id, start, metric, slots, counts, sums, lows, highs)
  SELECT g.device_id, g.hour, g.metric, array_agg(g.slot ORDER BY g.slot), array_agg(g.n ORDER BY g.slot),
    array_agg(g.total ORDER BY g.slot), array_agg(g.low ORDER BY g.slot), array_agg(g.high ORDER BY g.slot)
  FROM (
    SELECT v.device_id, v.hour, v.metric, v.slot, count(*)::integer AS n, sum(v.value) AS total,
      min(v.value) AS low, max(v.value) AS high
    FROM (
      SELECT c.device_id, c.hour, extract(minute FROM t.at)::smallint AS slot, e.metric, e.value
      FROM unnest(devices, hours) AS c(device_id, hour)
      JOIN {{schema}}.telemetry t
        ON t.device_id = c.device_id AND t.at >= c.hour AND t.at < c.hour + interval '1 hour'
      CROSS JOIN LATERAL (
        SELECT m.key AS metric, m.value::numeric AS value FROM jsonb_each(t.metrics) m
        WHERE m.key <> '' AND jsonb_typeof(m.value) = 'number'
        UNION ALL SELECT '', NULL
      ) e
      -- Said again in numbers that the planner sees, so that it opens only these days.
      WHERE t.at >= first_hour AND t.at < last_hour + interval '1 hour'
    ) v
    GROUP BY v.device_id, v.hour, v.metric, v.slot
  ) g
  GROUP BY g.device_id, g.hour, g.metric
  -- In one order, as every writer of these.
  ORDER BY 1, 2, 3
  ON CONFLICT (device_id, start, metric) DO UPDATE SET slots = EXCLUDED.slots, counts = EXCLUDED.counts,
    sums = EXCLUDED.sums, lows = EXCLUDED.lows, highs = EXCLUDED.highs;
  INSERT INTO {{schema}}.telemetry_hours AS kept (device_id, start, metric, slots, counts, sums, lows, highs)
  SELECT m.device_id, date_trunc('day', m.start), m.metric,
    array_agg(extract(hour FROM m.start)::smallint ORDER BY m.start), array_agg(s.n ORDER BY m.start),
    array_agg(s.total ORDER BY m.start), array_agg(s.low ORDER BY m.start), array_agg(s.high ORDER BY m.start)
  FROM unnest(devices, hours) AS c(device_id, hour)
  JOIN {{schema}}.telemetry_minutes m ON m.device_id = c.device_id AND m.start = c.hour
  CROSS JOIN LATERAL (
    SELECT sum(u.n)::integer AS n, sum(u.total) AS total, min(u.low) AS low, max(u.high) AS high
    FROM unnest(m.counts, m.sums, m.lows, m.highs) AS u(n, total, low, high)
  ) s
  WHERE m.start >= first_hour AND m.start <= last_hour
  GROUP BY m.device_id, date_trunc('day', m.start), m.metric
  ORDER BY 1, 2, 3
  -- These hours take the place of what the day's row said of them; its other hours stay.
  ON CONFLICT (device_id, start, metric) DO UPDATE SET (slots, counts, sums, lows, highs) = (
    SELECT array_agg(h.slot ORDER BY h.slot), array_agg(h.n ORDER BY h.slot), array_agg(h.total ORDER BY h.slot),
      array_agg(h.low ORDER BY h.slot), array_agg(h.high ORDER BY h.slot)
    FROM (
      SELECT * FROM unnest(EXCLUDED.slots, EXCLUDED.counts, EXCLUDED.sums, EXCLUDED.lows, EXCLUDED.highs)
        AS u(slot, n, total, low, high)
      UNION ALL
      SELECT * FROM unnest(kept.slots, kept.counts, kept.sums, kept.lows, kept.highs) AS u(slot, n, total, low, high)
      WHERE u.slot <> ALL (EXCLUDED.slots)
    ) h);
  DELETE FROM {{schema}}.telemetry_dirty d
  USING unnest(devices, hours) AS c(device_id, hour) WHERE d.device_id = c.device_id AND d.hour = c.hour;
  RETURN cardinality(devices);
END
$$;

-- Drops the partitions that are wholly older than the policy keeps; never a row by itself. A day of
-- which an hour waits to be rolled up stays, and so do all while samples of before wait to be moved:
-- nothing is rolled up from half of its samples. What somebody is reading is left for the next run.
CREATE FUNCTION {{schema}}.telemetry_retain() RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
  SET lock_timeout = '1s'
AS $$
DECLARE
  policy record;
  part record;
  dropped integer := 0;
BEGIN
  PERFORM {{schema}}.telemetry_require_system();
  IF to_regclass('{{schema}}.telemetry_unmoved') IS NOT NULL THEN
    RETURN 0;
  END IF;
  SELECT p.* INTO STRICT policy FROM {{schema}}.telemetry_policy p;
  FOR part IN
    SELECT k.name, k.kind, k.upper_end FROM (
      SELECT c.relname AS name, p.relname AS kind, CASE p.relname
        WHEN 'telemetry' THEN to_date(right(c.relname, 8), 'YYYYMMDD') + interval '1 day'
        WHEN 'telemetry_minutes' THEN to_date(right(c.relname, 6), 'YYYYMM') + interval '1 month'
        ELSE to_date(right(c.relname, 4), 'YYYY') + interval '1 year' END AS upper_end
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
      WHERE p.relnamespace = '{{schema}}'::regnamespace AND p.relkind = 'p'
        AND p.relname IN ('telemetry', 'telemetry_minutes', 'telemetry_hours')
    ) k
    WHERE k.upper_end <= now() - make_interval(days => CASE k.kind
      WHEN 'telemetry' THEN policy.raw_days WHEN 'telemetry_minutes' THEN policy.minute_days ELSE policy.hour_days END)
    ORDER BY k.upper_end
  LOOP
    CONTINUE WHEN part.kind = 'telemetry' AND EXISTS (
      SELECT FROM {{schema}}.telemetry_dirty d
      WHERE d.hour >= part.upper_end - interval '1 day' AND d.hour < part.upper_end);
    BEGIN
      EXECUTE format('DROP TABLE {{schema}}.%I', part.name);
      IF part.kind = 'telemetry' THEN
        UPDATE {{schema}}.telemetry_policy SET raw_begins = greatest(raw_begins, part.upper_end);
      END IF;
      dropped := dropped + 1;
    EXCEPTION WHEN lock_not_available THEN
      NULL;
    END;
  END LOOP;
  RETURN dropped;
END
$$;

-- Deletes what devices left behind that were removed, at most \`most\` rows, and what has become of no
-- use. A device is swept again an hour later: a batch or a roll-up that was under way while it was
-- removed has ended by then.
CREATE FUNCTION {{schema}}.telemetry_sweep(most integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  removed text;
  swept integer := 0;
  rows_gone integer;
BEGIN
  PERFORM {{schema}}.telemetry_require_system();
  SELECT r.device_id INTO removed FROM {{schema}}.telemetry_removed r
  WHERE r.swept_at IS NULL OR (r.swept_at < r.removed_at + interval '1 hour' AND now() >= r.removed_at + interval '1 hour')
  ORDER BY r.removed_at LIMIT 1 FOR UPDATE SKIP LOCKED;
  IF removed IS NOT NULL THEN
    DELETE FROM {{schema}}.telemetry_dirty d WHERE d.device_id = removed;
    DELETE FROM {{schema}}.telemetry_retimed t WHERE t.device_id = removed;
    DELETE FROM {{schema}}.telemetry t WHERE t.device_id = removed AND (t.at, t.sample_id) IN (
      SELECT s.at, s.sample_id FROM {{schema}}.telemetry s WHERE s.device_id = removed ORDER BY s.at LIMIT most);
    GET DIAGNOSTICS swept = ROW_COUNT;
    DELETE FROM {{schema}}.telemetry_minutes t WHERE t.device_id = removed AND (t.start, t.metric) IN (
      SELECT s.start, s.metric FROM {{schema}}.telemetry_minutes s
      WHERE s.device_id = removed ORDER BY s.start LIMIT most - swept);
    GET DIAGNOSTICS rows_gone = ROW_COUNT;
    swept := swept + rows_gone;
    DELETE FROM {{schema}}.telemetry_hours t WHERE t.device_id = removed AND (t.start, t.metric) IN (
      SELECT s.start, s.metric FROM {{schema}}.telemetry_hours s
      WHERE s.device_id = removed ORDER BY s.start LIMIT most - swept);
    GET DIAGNOSTICS rows_gone = ROW_COUNT;
    swept := swept + rows_gone;
    IF swept < most THEN
      UPDATE {{schema}}.telemetry_removed r SET swept_at = now() WHERE r.device_id = removed;
    END IF;
  END IF;
  -- Whatever such a device or such a sample still sends is too old to be stored.
  DELETE FROM {{schema}}.telemetry_removed r USING {{schema}}.telemetry_policy p
  WHERE r.swept_at >= r.removed_at + interval '1 hour' AND r.removed_at < now() - make_interval(days => p.raw_days + 2);
  DELETE FROM {{schema}}.telemetry_retimed t WHERE (t.device_id, t.sample_id) IN (
    SELECT s.device_id, s.sample_id FROM {{schema}}.telemetry_retimed s, {{schema}}.telemetry_policy p
    WHERE s.at < now() - make_interval(days => p.raw_days + 2) ORDER BY s.at LIMIT most);
  RETURN swept;
END
$$;

CREATE FUNCTION {{schema}}.telemetry_note_removed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  INSERT INTO {{schema}}.telemetry_removed (device_id) VALUES (OLD.id) ON CONFLICT DO NOTHING;
  RETURN NULL;
END
$$;
CREATE TRIGGER telemetry_note_removed AFTER DELETE ON {{schema}}.devices
  FOR EACH ROW EXECUTE FUNCTION {{schema}}.telemetry_note_removed();

-- Moves up to \`most\` samples of before into their partitions; of devices that are gone they are dropped.
-- A time that the rules above would not have let in becomes that of arrival.
CREATE FUNCTION {{schema}}.telemetry_move_some(most integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
AS $$
#variable_conflict use_column
DECLARE
  places tid[];
  days date[];
BEGIN
  IF to_regclass('{{schema}}.telemetry_unmoved') IS NULL THEN
    RETURN 0;
  END IF;
  SELECT array_agg(c.place), array_agg(DISTINCT (CASE
    WHEN c.at BETWEEN c.received_at - interval '400 days' AND c.received_at + interval '1 day' THEN c.at
    ELSE c.received_at END)::date)
  INTO places, days
  FROM (SELECT u.ctid AS place, u.at, u.received_at FROM {{schema}}.telemetry_unmoved u LIMIT most FOR UPDATE) c;
  IF places IS NULL THEN
    DROP TABLE {{schema}}.telemetry_unmoved;
    RETURN 0;
  END IF;
  PERFORM {{schema}}.telemetry_make_days(days);
  WITH taken AS (
    DELETE FROM {{schema}}.telemetry_unmoved u WHERE u.ctid = ANY (places)
    RETURNING u.device_id, u.sample_id, u.received_at, u.metrics, CASE
      WHEN u.at BETWEEN u.received_at - interval '400 days' AND u.received_at + interval '1 day' THEN u.at
      ELSE u.received_at END AS at
  ), added AS (
    INSERT INTO {{schema}}.telemetry AS kept (device_id, sample_id, at, received_at, metrics)
    SELECT t.device_id, t.sample_id, t.at, t.received_at, t.metrics FROM taken t
    WHERE EXISTS (SELECT FROM {{schema}}.devices d WHERE d.id = t.device_id)
    ON CONFLICT DO NOTHING
    RETURNING kept.device_id, kept.at
  )
  INSERT INTO {{schema}}.telemetry_dirty AS kept (device_id, hour)
  SELECT DISTINCT a.device_id, date_trunc('hour', a.at) FROM added a ORDER BY 1, 2
  ON CONFLICT (device_id, hour) DO UPDATE SET hour = EXCLUDED.hour;
  RETURN cardinality(places);
END
$$;

CREATE FUNCTION {{schema}}.telemetry_move(most integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM {{schema}}.telemetry_require_system();
  RETURN {{schema}}.telemetry_move_some(most);
END
$$;

REVOKE ALL ON FUNCTION {{schema}}.telemetry_require_system(),
  {{schema}}.telemetry_partition(text, text, timestamptz, timestamptz), {{schema}}.telemetry_make_days(date[]),
  {{schema}}.telemetry_store(json), {{schema}}.telemetry_roll_up(integer), {{schema}}.telemetry_retain(),
  {{schema}}.telemetry_sweep(integer), {{schema}}.telemetry_note_removed(),
  {{schema}}.telemetry_move_some(integer), {{schema}}.telemetry_move(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {{schema}}.telemetry_store(json), {{schema}}.telemetry_roll_up(integer),
  {{schema}}.telemetry_retain(), {{schema}}.telemetry_sweep(integer), {{schema}}.telemetry_move(integer) TO {{role}};

-- Few are moved here and now (some 3 s for so many); more by the job, while requests go on.
DO $$
BEGIN
  IF {{schema}}.telemetry_move_some(100000) < 100000 THEN
    PERFORM {{schema}}.telemetry_move_some(1);
  END IF;
END
$$;
`,
  },
  {
    number: 4,
    name: "0004_ownership.sql",
    checksum: "b6a1d03829b0e23abc31f70dd794c586899d6e92d874d98304b32be953388b44",
    sql: `-- Ownership inside a tenant, against whoever runs SQL of their own in the session of a request.
--
-- 1. What a function means depends on settings of the session, too. With standard_conforming_strings
--    off, '\\.' in the body of scope_claims() became '.', so that a scope without a third part passed
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
`,
  },
  {
    number: 5,
    name: "0005_rollouts.sql",
    checksum: "55d4b3c2406b4fa4a5bcce193ded8061b4c76d9d613a062bfdf5c17984328a2e",
    sql: `-- Roll-outs: for a while more devices a minute may enrol with one code than usual.
--
-- Both columns are set or neither. What they say counts until \`rollout_until\` and then for nothing, without
-- anybody's doing. The bounds are the code's own (workers/capabilities) once more, so that a mistake there can't
-- open a code for ever.
ALTER TABLE {{schema}}.enrollment_codes
  ADD COLUMN rollout_per_minute integer CHECK (rollout_per_minute BETWEEN 1 AND 600),
  ADD COLUMN rollout_until timestamptz,
  ADD CONSTRAINT enrollment_codes_rollout CHECK ((rollout_per_minute IS NULL) = (rollout_until IS NULL));

GRANT UPDATE (rollout_per_minute, rollout_until) ON {{schema}}.enrollment_codes TO {{role}};
`,
  },
  {
    number: 6,
    name: "0006_backups.sql",
    checksum: "80e1982c29e1aa6f477c5c254b3a2bae1e5b9afbf1205449ad196f213b1a4a63",
    sql: `-- A backup reads every row of a tenant: the operator's as the owner of the tables, a Worker's as the tenant's role,
-- both under the scope \`system\`, in one snapshot. Row level security would leave rows out without a word, so a table
-- that a backup can read whole says so by this policy, always of this text; one that lacks it (a later migration's)
-- makes the backup fail, and a test says so before that.
--
-- \`system\` sees and changes all of this anyway, table by table; here it stands in one way.
DO $$
DECLARE
  t text;
BEGIN
  FOR t IN
    SELECT c.relname FROM pg_class c
    WHERE c.relnamespace = '{{schema}}'::regnamespace AND c.relkind IN ('r', 'p') AND c.relrowsecurity
      AND NOT c.relispartition AND c.relname NOT IN ('scope_key', 'telemetry_unmoved')
    ORDER BY c.relname
  LOOP
    EXECUTE format('CREATE POLICY backup_read ON {{schema}}.%I FOR SELECT TO CURRENT_USER, {{role}} USING ((SELECT {{schema}}.scope_role()) = ''system'')', t);
  END LOOP;
END
$$;

GRANT SELECT ON {{schema}}.telemetry_retimed, {{schema}}.telemetry_removed TO {{role}};
`,
  },
  {
    number: 7,
    name: "0007_scope_keys.sql",
    checksum: "1ebda5c4194eaea3055972669e652f62a5e88869660957bde7bc140c30600fe4",
    sql: `-- While the root secret changes, scopes of two keys are good: of the new one, and for some minutes of the one
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
`,
  },
  {
    number: 8,
    name: "0008_sealed_commands.sql",
    checksum: "567ea11479b11e049ae1917df7242f01dc3f0d7a79cedcdfa6faf592e38a20ad",
    sql: `-- A command's arguments, sealed under the organisation's data key, which lies in no tenant's schema
-- (docs/adr/0020-encryption-at-rest.md). Where it stands, args is {}: rows of before keep theirs. Longest:
-- 15 Ki characters of at most four bytes, in base64url, with the envelope's own parts.
ALTER TABLE {{schema}}.commands ADD COLUMN args_sealed text CHECK (length(args_sealed) BETWEEN 1 AND 98304);
`,
  },
  {
    number: 9,
    name: "0009_documents.sql",
    checksum: "16d819ed2d73e8a1a0d35aa495b0d9b72c6bd9103b706c130a076da71bfb3262",
    sql: `-- Documents: what is known of them. Their bytes lie sealed in a bucket (docs/adr/0034-documents.md).
--
-- Who sees and writes what:
--   owner, admin   everything
--   readonly       sees everything, writes nothing
--   analyst        sees what they made and what is shared with them; makes documents and writes their own
--   viewer         sees what they made (in another role) and what is shared with them; writes nothing
--   system (jobs)  everything, and alone ends what was deleted
--   no valid scope nothing
-- A share lets read, never write, ends at its own time, and counts for nothing while the document is in the bin.

CREATE TABLE {{schema}}.documents (
  id text PRIMARY KEY CHECK (id ~ '^doc_[0-9a-z]{26}$'),
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 255),
  -- People live in the control schema, perhaps in another cluster, so nothing can be referenced.
  owner_id text NOT NULL CHECK (char_length(owner_id) BETWEEN 1 AND 64),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  -- The document's own key, wrapped by the organisation's data key, which lies in no tenant's schema.
  wrapped_key text NOT NULL CHECK (length(wrapped_key) BETWEEN 1 AND 8192),
  -- The version that is read. Null: none was completed yet, and nobody but its maker's screen knows of it.
  current_version text,
  deleted_at timestamptz,
  deleted_by text CHECK (char_length(deleted_by) BETWEEN 1 AND 64),
  -- What it is found by: words of its name and of the current version's text, without their places. The text itself
  -- is stored nowhere but sealed.
  name_terms tsvector NOT NULL DEFAULT '',
  text_terms tsvector NOT NULL DEFAULT '',
  terms tsvector NOT NULL GENERATED ALWAYS AS (name_terms || text_terms) STORED,
  CONSTRAINT documents_deleted CHECK ((deleted_at IS NULL) = (deleted_by IS NULL))
);
CREATE INDEX documents_owner ON {{schema}}.documents (owner_id, id);
CREATE INDEX documents_terms ON {{schema}}.documents USING gin (terms);
CREATE INDEX documents_deleted_at ON {{schema}}.documents (deleted_at) WHERE deleted_at IS NOT NULL;

-- A version, from the moment at which its upload begins: its size is taken from the quota then.
CREATE TABLE {{schema}}.document_versions (
  id text PRIMARY KEY CHECK (id ~ '^upl_[0-9a-z]{26}$'),
  -- Nothing here goes with what it refers to: whoever ends a document says so of each row, and of the object first.
  document_id text NOT NULL REFERENCES {{schema}}.documents (id),
  -- In the order of completion; null until then.
  number integer CHECK (number BETWEEN 1 AND 1000000),
  -- Plain bytes, as announced; what arrives has exactly so many. 1 GiB (core/documents/layout.ts).
  size_bytes bigint NOT NULL CHECK (size_bytes BETWEEN 0 AND 1073741824),
  -- What the uploader said it is; shown to nobody and believed by nothing.
  declared_type text NOT NULL CHECK (char_length(declared_type) BETWEEN 1 AND 127),
  -- What its bytes say it is, and whether a browser or an office program would run something in it.
  media_type text CHECK (char_length(media_type) BETWEEN 1 AND 127),
  active boolean,
  -- The bucket's name of the upload.
  upload text NOT NULL CHECK (length(upload) BETWEEN 1 AND 2048),
  created_by text NOT NULL CHECK (char_length(created_by) BETWEEN 1 AND 64),
  created_at timestamptz NOT NULL DEFAULT now(),
  completed_at timestamptz,
  UNIQUE (document_id, number),
  CONSTRAINT document_versions_completed CHECK (
    (number IS NULL) = (completed_at IS NULL) AND (number IS NULL) = (media_type IS NULL)
    AND (number IS NULL) = (active IS NULL))
);
CREATE INDEX document_versions_open ON {{schema}}.document_versions (created_at) WHERE number IS NULL;

-- Parts of uploads that have arrived; they go when the version is complete.
CREATE TABLE {{schema}}.document_parts (
  version_id text NOT NULL REFERENCES {{schema}}.document_versions (id),
  part integer NOT NULL CHECK (part BETWEEN 1 AND 128),
  etag text NOT NULL CHECK (length(etag) BETWEEN 1 AND 256),
  PRIMARY KEY (version_id, part)
);

CREATE TABLE {{schema}}.document_shares (
  id text PRIMARY KEY CHECK (id ~ '^shr_[0-9a-z]{26}$'),
  document_id text NOT NULL REFERENCES {{schema}}.documents (id),
  grantee_kind text NOT NULL CHECK (grantee_kind IN ('user', 'group', 'role')),
  -- The id of a person or a group, or a role's name. One that is gone is nobody: ids are never used again.
  grantee text NOT NULL CHECK (char_length(grantee) BETWEEN 1 AND 64),
  -- Null: until it is taken back.
  until timestamptz,
  created_by text NOT NULL CHECK (char_length(created_by) BETWEEN 1 AND 64),
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (document_id, grantee_kind, grantee)
);
CREATE INDEX document_shares_grantee ON {{schema}}.document_shares (grantee_kind, grantee);

-- Documents that are shared with the analyst or viewer who asks. The wall clock: a transaction that is held open
-- must not keep a share alive. A policy of documents can't ask document_shares itself, whose own policy asks
-- documents: so this runs as the owner of the tables, who sees what the policies below say.
CREATE FUNCTION {{schema}}.scope_shared_documents() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
SET transform_null_equals = off
AS $$
  SELECT s.document_id FROM {{schema}}.document_shares s
  WHERE (SELECT {{schema}}.scope_role()) IN ('analyst', 'viewer')
    AND (s.until IS NULL OR s.until > clock_timestamp())
    AND ((s.grantee_kind = 'user' AND s.grantee = (SELECT {{schema}}.scope_user()))
      OR (s.grantee_kind = 'role' AND s.grantee = (SELECT {{schema}}.scope_role()))
      OR (s.grantee_kind = 'group' AND s.grantee IN (SELECT {{schema}}.scope_groups())))
$$;

-- Bytes of all documents, versions and uploads under way, for the quota: a count must not depend on who asks.
CREATE FUNCTION {{schema}}.document_bytes() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
SET transform_null_equals = off
AS $$ SELECT coalesce(sum(v.size_bytes), 0)::bigint FROM {{schema}}.document_versions v $$;

-- … and how many versions there are.
CREATE FUNCTION {{schema}}.document_count() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
SET transform_null_equals = off
AS $$ SELECT count(*) FROM {{schema}}.document_versions v $$;

REVOKE ALL ON FUNCTION {{schema}}.scope_shared_documents(), {{schema}}.document_bytes(), {{schema}}.document_count() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {{schema}}.scope_shared_documents(), {{schema}}.document_bytes(), {{schema}}.document_count() TO {{role}};

ALTER TABLE {{schema}}.documents ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.documents FORCE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.document_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.document_versions FORCE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.document_parts ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.document_parts FORCE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.document_shares ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.document_shares FORCE ROW LEVEL SECURITY;

-- What the functions above are for, and all that the owner of the tables sees.
CREATE POLICY document_shares_of_scope ON {{schema}}.document_shares FOR SELECT TO CURRENT_USER
  USING ((SELECT {{schema}}.scope_role()) IN ('analyst', 'viewer'));
CREATE POLICY document_versions_of_sum ON {{schema}}.document_versions FOR SELECT TO CURRENT_USER
  USING ((SELECT {{schema}}.scope_role()) IS NOT NULL);

CREATE POLICY documents_read ON {{schema}}.documents FOR SELECT TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'readonly', 'system')
    OR ((SELECT {{schema}}.scope_role()) IN ('analyst', 'viewer')
      AND (owner_id = (SELECT {{schema}}.scope_user())
        OR (deleted_at IS NULL AND id IN (SELECT {{schema}}.scope_shared_documents())))));
CREATE POLICY documents_add ON {{schema}}.documents FOR INSERT TO {{role}}
  WITH CHECK ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'analyst')
    AND owner_id = (SELECT {{schema}}.scope_user()));
CREATE POLICY documents_change ON {{schema}}.documents FOR UPDATE TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'system')
    OR ((SELECT {{schema}}.scope_role()) = 'analyst' AND owner_id = (SELECT {{schema}}.scope_user())));
-- Whoever may write it may give up one that never had a version; all else goes through the bin.
CREATE POLICY documents_end ON {{schema}}.documents FOR DELETE TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) = 'system'
    OR (current_version IS NULL AND ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin')
      OR ((SELECT {{schema}}.scope_role()) = 'analyst' AND owner_id = (SELECT {{schema}}.scope_user())))));

-- The policies of documents choose the rows of these: \`d\` is seen by whoever asks, or not at all.
CREATE POLICY document_versions_read ON {{schema}}.document_versions FOR SELECT TO {{role}}
  USING (EXISTS (SELECT FROM {{schema}}.documents d WHERE d.id = document_id));
CREATE POLICY document_versions_add ON {{schema}}.document_versions FOR INSERT TO {{role}}
  WITH CHECK (created_by = (SELECT {{schema}}.scope_user()) AND number IS NULL
    AND EXISTS (SELECT FROM {{schema}}.documents d WHERE d.id = document_id
      AND ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin')
        OR ((SELECT {{schema}}.scope_role()) = 'analyst' AND d.owner_id = (SELECT {{schema}}.scope_user())))));
CREATE POLICY document_versions_change ON {{schema}}.document_versions FOR UPDATE TO {{role}}
  USING (EXISTS (SELECT FROM {{schema}}.documents d WHERE d.id = document_id
      AND ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'system')
        OR ((SELECT {{schema}}.scope_role()) = 'analyst' AND d.owner_id = (SELECT {{schema}}.scope_user())))));
CREATE POLICY document_versions_end ON {{schema}}.document_versions FOR DELETE TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) = 'system'
    OR (number IS NULL AND EXISTS (SELECT FROM {{schema}}.documents d WHERE d.id = document_id
      AND ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin')
        OR ((SELECT {{schema}}.scope_role()) = 'analyst' AND d.owner_id = (SELECT {{schema}}.scope_user()))))));

CREATE POLICY document_parts_write ON {{schema}}.document_parts FOR ALL TO {{role}}
  USING (EXISTS (SELECT FROM {{schema}}.document_versions v JOIN {{schema}}.documents d ON d.id = v.document_id
    WHERE v.id = version_id
      AND ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'system')
        OR ((SELECT {{schema}}.scope_role()) = 'analyst' AND d.owner_id = (SELECT {{schema}}.scope_user())))));

-- With whom a document is shared is for whoever may share it, and for readers of everything.
CREATE POLICY document_shares_read ON {{schema}}.document_shares FOR SELECT TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'readonly', 'system')
    OR ((SELECT {{schema}}.scope_role()) = 'analyst'
      AND EXISTS (SELECT FROM {{schema}}.documents d
        WHERE d.id = document_id AND d.owner_id = (SELECT {{schema}}.scope_user()))));
CREATE POLICY document_shares_add ON {{schema}}.document_shares FOR INSERT TO {{role}}
  WITH CHECK (created_by = (SELECT {{schema}}.scope_user())
    AND EXISTS (SELECT FROM {{schema}}.documents d WHERE d.id = document_id
      AND ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin')
        OR ((SELECT {{schema}}.scope_role()) = 'analyst' AND d.owner_id = (SELECT {{schema}}.scope_user())))));
CREATE POLICY document_shares_change ON {{schema}}.document_shares FOR UPDATE TO {{role}}
  USING (EXISTS (SELECT FROM {{schema}}.documents d WHERE d.id = document_id
      AND ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin')
        OR ((SELECT {{schema}}.scope_role()) = 'analyst' AND d.owner_id = (SELECT {{schema}}.scope_user())))));
CREATE POLICY document_shares_end ON {{schema}}.document_shares FOR DELETE TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'system')
    OR ((SELECT {{schema}}.scope_role()) = 'analyst'
      AND EXISTS (SELECT FROM {{schema}}.documents d
        WHERE d.id = document_id AND d.owner_id = (SELECT {{schema}}.scope_user()))));

-- Every row of them is in a backup (0006). Of \`documents\` without its key a backup could not be opened again.
CREATE POLICY backup_read ON {{schema}}.documents FOR SELECT TO CURRENT_USER, {{role}}
  USING ((SELECT {{schema}}.scope_role()) = 'system');
CREATE POLICY backup_read ON {{schema}}.document_versions FOR SELECT TO CURRENT_USER, {{role}}
  USING ((SELECT {{schema}}.scope_role()) = 'system');
CREATE POLICY backup_read ON {{schema}}.document_parts FOR SELECT TO CURRENT_USER, {{role}}
  USING ((SELECT {{schema}}.scope_role()) = 'system');
CREATE POLICY backup_read ON {{schema}}.document_shares FOR SELECT TO CURRENT_USER, {{role}}
  USING ((SELECT {{schema}}.scope_role()) = 'system');

-- Only what is needed, by column where rows are changed: who made a document, its key, its size and its versions'
-- places never change.
GRANT SELECT, INSERT, DELETE ON {{schema}}.documents TO {{role}};
GRANT UPDATE (name, updated_at, current_version, deleted_at, deleted_by, name_terms, text_terms)
  ON {{schema}}.documents TO {{role}};
GRANT SELECT, INSERT, DELETE ON {{schema}}.document_versions TO {{role}};
GRANT UPDATE (number, media_type, active, completed_at) ON {{schema}}.document_versions TO {{role}};
GRANT SELECT, INSERT, DELETE ON {{schema}}.document_parts TO {{role}};
GRANT UPDATE (etag) ON {{schema}}.document_parts TO {{role}};
GRANT SELECT, INSERT, DELETE ON {{schema}}.document_shares TO {{role}};
GRANT UPDATE (until) ON {{schema}}.document_shares TO {{role}};
`,
  },
  {
    number: 10,
    name: "0010_llm.sql",
    checksum: "96d4a78407c0e7ab9cff801d43387a542c88fa1d4f12096e808b35a14872a9ca",
    sql: `-- Language models: an organisation's own providers, what each month cost, and who spent it (docs/llm.md).
--
--   owner, admin      change providers; see everybody's use
--   whoever a provider names by role   read it, to ask it, and add to what the month cost
--   readonly          sees everybody's use, asks nobody
--   system (jobs)     reads everything (backups)
--   no valid scope    nothing
-- Keys stand here sealed under the organisation's data key, which lies in no tenant's schema.

CREATE TABLE {{schema}}.llm_providers (
  id text PRIMARY KEY CHECK (id ~ '^llm_[0-9a-z]{26}$'),
  name text NOT NULL UNIQUE CHECK (char_length(name) BETWEEN 1 AND 64),
  -- Where its API begins; whether it may be called is judged anew at each call.
  base_url text NOT NULL CHECK (length(base_url) BETWEEN 1 AND 512),
  key_sealed text NOT NULL CHECK (length(key_sealed) BETWEEN 1 AND 8192),
  key_fingerprint text NOT NULL CHECK (key_fingerprint ~ '^[0-9a-f]{16}$'),
  key_since timestamptz NOT NULL DEFAULT now(),
  -- The key before, while both are valid.
  previous_sealed text CHECK (length(previous_sealed) BETWEEN 1 AND 8192),
  previous_fingerprint text CHECK (previous_fingerprint ~ '^[0-9a-f]{16}$'),
  previous_until timestamptz,
  -- Days beyond the month for which a key that nobody rotated goes on being used.
  grace_days integer NOT NULL CHECK (grace_days BETWEEN 0 AND 30),
  -- [{name, upstream, input, output}]: what people ask for, what the provider calls it, micro-dollars for a million tokens.
  models jsonb NOT NULL CHECK (jsonb_typeof(models) = 'array' AND jsonb_array_length(models) BETWEEN 1 AND 50),
  roles text[] NOT NULL CHECK (roles <@ ARRAY['owner', 'admin', 'analyst', 'viewer']),
  -- Micro-dollars; at most a million dollars.
  monthly_budget bigint NOT NULL CHECK (monthly_budget BETWEEN 0 AND 1000000000000),
  -- Its place in the chain: the lowest is asked first.
  place integer NOT NULL CHECK (place BETWEEN 0 AND 1000),
  -- Personal data is masked before it leaves for it.
  masks boolean NOT NULL,
  created_by text NOT NULL CHECK (char_length(created_by) BETWEEN 1 AND 64),
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT llm_providers_previous CHECK (
    (previous_sealed IS NULL) = (previous_fingerprint IS NULL) AND (previous_sealed IS NULL) = (previous_until IS NULL))
);

-- What a month has cost with a provider, requests under way included at what they can cost at most. It outlives the
-- provider: what was spent stays spent, and what is under way is settled.
CREATE TABLE {{schema}}.llm_months (
  provider_id text NOT NULL CHECK (provider_id ~ '^llm_[0-9a-z]{26}$'),
  month date NOT NULL CHECK (extract(day FROM month) = 1),
  committed bigint NOT NULL CHECK (committed >= 0),
  PRIMARY KEY (provider_id, month)
);

-- Who used how much of which model in which month.
CREATE TABLE {{schema}}.llm_usage (
  month date NOT NULL CHECK (extract(day FROM month) = 1),
  -- People live in the control schema, perhaps in another cluster, so nothing can be referenced.
  user_id text NOT NULL CHECK (char_length(user_id) BETWEEN 1 AND 64),
  provider_id text NOT NULL CHECK (provider_id ~ '^llm_[0-9a-z]{26}$'),
  model text NOT NULL CHECK (char_length(model) BETWEEN 1 AND 128),
  requests bigint NOT NULL CHECK (requests >= 0),
  input_tokens bigint NOT NULL CHECK (input_tokens >= 0),
  output_tokens bigint NOT NULL CHECK (output_tokens >= 0),
  -- Micro-dollars.
  cost bigint NOT NULL CHECK (cost >= 0),
  PRIMARY KEY (month, user_id, provider_id, model)
);

ALTER TABLE {{schema}}.llm_providers ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.llm_providers FORCE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.llm_months ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.llm_months FORCE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.llm_usage ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.llm_usage FORCE ROW LEVEL SECURITY;

CREATE POLICY llm_providers_read ON {{schema}}.llm_providers FOR SELECT TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'system')
    OR (SELECT {{schema}}.scope_role()) = ANY (roles));
CREATE POLICY llm_providers_add ON {{schema}}.llm_providers FOR INSERT TO {{role}}
  WITH CHECK ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin') AND created_by = (SELECT {{schema}}.scope_user()));
CREATE POLICY llm_providers_change ON {{schema}}.llm_providers FOR UPDATE TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin'));
CREATE POLICY llm_providers_end ON {{schema}}.llm_providers FOR DELETE TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin'));

CREATE POLICY llm_months_read ON {{schema}}.llm_months FOR SELECT TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'analyst', 'viewer', 'readonly'));
-- For a provider that whoever asks may ask.
CREATE POLICY llm_months_add ON {{schema}}.llm_months FOR INSERT TO {{role}}
  WITH CHECK (EXISTS (SELECT FROM {{schema}}.llm_providers p WHERE p.id = provider_id
    AND (SELECT {{schema}}.scope_role()) = ANY (p.roles)));
-- What was reserved is settled also after the provider is gone, or asks another role.
CREATE POLICY llm_months_change ON {{schema}}.llm_months FOR UPDATE TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'analyst', 'viewer'));

CREATE POLICY llm_usage_read ON {{schema}}.llm_usage FOR SELECT TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'readonly')
    OR user_id = (SELECT {{schema}}.scope_user()));
CREATE POLICY llm_usage_add ON {{schema}}.llm_usage FOR INSERT TO {{role}}
  WITH CHECK ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'analyst', 'viewer')
    AND user_id = (SELECT {{schema}}.scope_user()));
CREATE POLICY llm_usage_change ON {{schema}}.llm_usage FOR UPDATE TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'analyst', 'viewer')
    AND user_id = (SELECT {{schema}}.scope_user()));

-- A viewer's question to a model is a change as well: its receipt tells the audit log that it was asked (0001, 0004).
CREATE POLICY receipts_add_llm ON {{schema}}.operation_receipts FOR INSERT TO {{role}}
  WITH CHECK ((SELECT {{schema}}.scope_role()) = 'viewer');

-- Every row of them is in a backup (0006).
CREATE POLICY backup_read ON {{schema}}.llm_providers FOR SELECT TO CURRENT_USER, {{role}}
  USING ((SELECT {{schema}}.scope_role()) = 'system');
CREATE POLICY backup_read ON {{schema}}.llm_months FOR SELECT TO CURRENT_USER, {{role}}
  USING ((SELECT {{schema}}.scope_role()) = 'system');
CREATE POLICY backup_read ON {{schema}}.llm_usage FOR SELECT TO CURRENT_USER, {{role}}
  USING ((SELECT {{schema}}.scope_role()) = 'system');

GRANT SELECT, INSERT, DELETE ON {{schema}}.llm_providers TO {{role}};
GRANT UPDATE (name, base_url, key_sealed, key_fingerprint, key_since, previous_sealed, previous_fingerprint,
  previous_until, grace_days, models, roles, monthly_budget, place, masks) ON {{schema}}.llm_providers TO {{role}};
GRANT SELECT, INSERT ON {{schema}}.llm_months TO {{role}};
GRANT UPDATE (committed) ON {{schema}}.llm_months TO {{role}};
GRANT SELECT, INSERT ON {{schema}}.llm_usage TO {{role}};
GRANT UPDATE (requests, input_tokens, output_tokens, cost) ON {{schema}}.llm_usage TO {{role}};
`,
  },
  {
    number: 11,
    name: "0011_llm_kinds.sql",
    checksum: "6a3ce7237fbb73409039660f338438e74222275f97329077130d56d8a7e2f64d",
    sql: `-- How a provider of language models is spoken to: in OpenAI's format, which most know, or in Anthropic's own (docs/llm.md).
-- Each that is here already is spoken to as before.
ALTER TABLE {{schema}}.llm_providers
  ADD COLUMN kind text NOT NULL DEFAULT 'openai' CHECK (kind IN ('openai', 'anthropic'));
GRANT UPDATE (kind) ON {{schema}}.llm_providers TO {{role}};
`,
  },
  {
    number: 12,
    name: "0012_document_text.sql",
    checksum: "fc60bfba9a10c4d78368f035a2544c48be5dece8e479a9a1996f6e5776a51974",
    sql: `-- The text of PDFs (docs/adr/0040-text-of-pdfs.md): read by a Worker of its own, which may be down when a version is
-- completed. Then nothing is read here, and the clock tries again, a few times.
ALTER TABLE {{schema}}.document_versions
  -- Null: not yet, or of no PDF. \`read\`: its words are what the document is found by. \`unreadable\`: there is no reading it.
  ADD COLUMN text_state text CHECK (text_state IN ('read', 'unreadable')),
  -- How often it was tried; five times are enough (store/tenant/document-texts.ts).
  ADD COLUMN text_tries integer NOT NULL DEFAULT 0 CHECK (text_tries BETWEEN 0 AND 100);
-- What the clock looks for: few, and mostly none.
CREATE INDEX document_versions_unread ON {{schema}}.document_versions (document_id)
  WHERE media_type = 'application/pdf' AND text_state IS NULL AND number IS NOT NULL;
GRANT UPDATE (text_state, text_tries) ON {{schema}}.document_versions TO {{role}};
`,
  },
  {
    number: 13,
    name: "0013_llm_workers_ai.sql",
    checksum: "163a6e577190aa9f4cb819c032d023de872604d2e4d21834503b6e84271766e0",
    sql: `-- Workers AI as a kind of provider (docs/adr/0043-workers-ai.md): the platform's own models, asked through a binding of the
-- operator's. It has no address and no key of the organisation's, and that is said here, so that a key that is missing by
-- accident is no such provider but a row that is refused.
ALTER TABLE {{schema}}.llm_providers
  DROP CONSTRAINT llm_providers_kind_check,
  ADD CONSTRAINT llm_providers_kind_check CHECK (kind IN ('openai', 'anthropic', 'workers_ai')),
  ALTER COLUMN base_url DROP NOT NULL,
  ALTER COLUMN key_sealed DROP NOT NULL,
  ALTER COLUMN key_fingerprint DROP NOT NULL,
  ALTER COLUMN key_since DROP NOT NULL,
  ALTER COLUMN grace_days DROP NOT NULL,
  -- All of it, or none: which one, the kind says.
  ADD CONSTRAINT llm_providers_way CHECK (CASE WHEN kind = 'workers_ai'
    THEN num_nonnulls(base_url, key_sealed, key_fingerprint, key_since, grace_days,
      previous_sealed, previous_fingerprint, previous_until) = 0
    ELSE num_nulls(base_url, key_sealed, key_fingerprint, key_since, grace_days) = 0 END);

-- Whether the operator pays for what a month's row counts: what the plan allows of that is another figure, and it outlives
-- the provider as the row does.
ALTER TABLE {{schema}}.llm_months ADD COLUMN operator_pays boolean NOT NULL DEFAULT false;
`,
  },
  {
    number: 14,
    name: "0014_upload_ends.sql",
    checksum: "a4cff713bd3ce0f547e68a9b926b4a6bfd259770a0b8d2ad68d90df5a9ef843c",
    sql: `-- Giving an upload up is two steps, the bucket's and the row's, and the bucket's must not come first: a completion in
-- between would make a version of what was just deleted. So its row says first that it is over.
ALTER TABLE {{schema}}.document_versions
  -- Since when it is being given up: from then on no part is taken and it becomes no version.
  ADD COLUMN ended_at timestamptz,
  ADD CONSTRAINT document_versions_ended CHECK (ended_at IS NULL OR number IS NULL);
GRANT UPDATE (ended_at) ON {{schema}}.document_versions TO {{role}};
`,
  },
];
