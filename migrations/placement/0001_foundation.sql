-- Every placement (one Postgres cluster, one Neon project): who may connect, and the audit table.
-- Runs as sentinel_owner, which is no superuser. The roles exist already (scripts/migrate/roles.ts).

-- By default PUBLIC may connect, make temporary tables and look into schema public. Temporary tables
-- and a shared schema are places where one tenant could leave something for another.
DO $$
BEGIN
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO sentinel_audit_writer, sentinel_tenant', current_database());
  EXECUTE format('GRANT CONNECT, CREATE ON DATABASE %I TO sentinel_provisioner', current_database());
END
$$;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- The provisioner may put a tenant's role into the group that may connect, and can't become it.
GRANT sentinel_tenant TO sentinel_provisioner WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;

CREATE SCHEMA audit;
GRANT USAGE ON SCHEMA audit TO sentinel_audit_writer;

-- One row an audit entry, as drained from its log. Immutable: personal values are not here but in
-- audit.personal_fields, of which leaf_json holds salted commitments.
CREATE TABLE audit.events (
  -- An organisation's id, or platform-{shard}.
  log text NOT NULL CHECK (char_length(log) BETWEEN 1 AND 64),
  seq bigint NOT NULL CHECK (seq >= 1),
  -- Commit time by the log's own clock; a part of the key because the table is partitioned by it.
  occurred_at timestamptz NOT NULL,
  request_id text NOT NULL CHECK (char_length(request_id) BETWEEN 1 AND 128),
  phase text NOT NULL CHECK (phase IN ('event', 'intent', 'outcome')),
  intent_seq bigint,
  result text,
  type text NOT NULL CHECK (char_length(type) BETWEEN 1 AND 64),
  -- The exact text that was hashed (RFC 8785 canonical JSON).
  leaf_json text NOT NULL,
  -- RFC 9162 section 2.1.1: SHA-256(0x00 || leaf). Checked here too, so that no row can enter that
  -- its tree would not prove.
  leaf_hash text NOT NULL
    CHECK (leaf_hash = encode(sha256('\x00'::bytea || convert_to(leaf_json, 'UTF8')), 'hex')),
  drained_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (log, seq, occurred_at)
) PARTITION BY RANGE (occurred_at);

-- A year a partition: seven years of retention end by dropping one. The default takes what no year has.
CREATE TABLE audit.events_default PARTITION OF audit.events DEFAULT;
DO $$
BEGIN
  FOR year IN 2026..2035 LOOP
    EXECUTE format(
      'CREATE TABLE audit.events_%s PARTITION OF audit.events FOR VALUES FROM (%L) TO (%L)',
      year, make_timestamptz(year, 1, 1, 0, 0, 0, 'UTC'), make_timestamptz(year + 1, 1, 1, 0, 0, 0, 'UTC'));
  END LOOP;
END
$$;

-- Values and salts of the fields that name a person. Deleting a row erases the person from the log
-- while every hash still holds; only the owner may.
CREATE TABLE audit.personal_fields (
  log text NOT NULL,
  seq bigint NOT NULL,
  field text NOT NULL CHECK (char_length(field) BETWEEN 1 AND 64),
  value jsonb NOT NULL,
  salt text NOT NULL CHECK (char_length(salt) BETWEEN 1 AND 128),
  PRIMARY KEY (log, seq, field)
);

-- An entry is written once. The owner can still drop or alter a table: that is DDL by a role which no
-- Worker holds, and the logs keep their own copy and tree.
CREATE FUNCTION audit.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RAISE EXCEPTION 'the audit log is append-only: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;
REVOKE ALL ON FUNCTION audit.refuse_change() FROM PUBLIC;

CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON audit.events
  FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
-- Row triggers are copied to partitions, statement triggers are not; TRUNCATE has only the latter.
DO $$
DECLARE
  part regclass;
BEGIN
  FOR part IN SELECT 'audit.events'::regclass UNION ALL
    SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'audit.events'::regclass
  LOOP
    EXECUTE format(
      'CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change()', part);
  END LOOP;
END
$$;
CREATE TRIGGER refuse_change BEFORE UPDATE ON audit.personal_fields
  FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();

GRANT SELECT, INSERT ON audit.events, audit.personal_fields TO sentinel_audit_writer;
