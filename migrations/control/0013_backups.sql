-- Backups of organisations: each has a key of its own, which lies here, wrapped, and nowhere else. Without its row a
-- backup is noise, wherever copies of the file are (docs/adr/0021-backups.md).
CREATE TABLE control.backups (
  id text PRIMARY KEY CHECK (id ~ '^bak_[0-9a-z]{26}$'),
  -- With the organisation's placement go its keys.
  org_id text NOT NULL REFERENCES control.organisation_placements (org_id) ON DELETE CASCADE,
  -- Under the backup key-encryption key, with organisation and backup bound to it. Null: destroyed.
  wrapped_key text CHECK (length(wrapped_key) BETWEEN 1 AND 8192),
  -- Number of the newest tenant migration.
  tenant_schema integer NOT NULL CHECK (tenant_schema >= 1),
  snapshot_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- Of the file, which is whole by then.
  bytes bigint NOT NULL CHECK (bytes > 0),
  rows bigint NOT NULL CHECK (rows >= 0),
  sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
  -- Read again from beginning to end, every row of it.
  verified_at timestamptz
);
CREATE INDEX backups_org ON control.backups (org_id, id);

-- An organisation whose keys are shredded loses those of its backups in the same transaction, whoever shreds them,
-- and gets no further one.
CREATE FUNCTION control.shred_backup_keys() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    BEGIN
      UPDATE control.backups SET wrapped_key = NULL WHERE org_id = NEW.org_id AND wrapped_key IS NOT NULL;
      RETURN NULL;
    END
  $$;
CREATE TRIGGER shred_backup_keys AFTER INSERT OR UPDATE OF shredded_at ON control.encryption_settings
  FOR EACH ROW WHEN (NEW.shredded_at IS NOT NULL) EXECUTE FUNCTION control.shred_backup_keys();

CREATE FUNCTION control.refuse_shredded_backup() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    DECLARE
      shredded timestamptz;
    BEGIN
      -- Both are locked, so that whoever shreds at this moment (a change of the second, or its first row, which
      -- references the first) comes before or after, and never between.
      PERFORM FROM control.organisation_placements WHERE org_id = NEW.org_id FOR UPDATE;
      SELECT shredded_at INTO shredded FROM control.encryption_settings WHERE org_id = NEW.org_id FOR SHARE;
      IF shredded IS NOT NULL THEN
        RAISE EXCEPTION 'the keys of this organisation were shredded' USING ERRCODE = 'check_violation';
      END IF;
      RETURN NEW;
    END
  $$;
CREATE TRIGGER refuse_shredded_backup BEFORE INSERT ON control.backups
  FOR EACH ROW EXECUTE FUNCTION control.refuse_shredded_backup();
REVOKE ALL ON FUNCTION control.shred_backup_keys(), control.refuse_shredded_backup() FROM PUBLIC;
