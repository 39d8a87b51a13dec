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
];
