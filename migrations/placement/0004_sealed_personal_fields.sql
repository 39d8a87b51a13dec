-- contract: since 0003
-- (A table of a retired month is dropped, as since 0003 by its owner alone.)
-- Personal values of audit entries, sealed under a key of whose they are (docs/adr/0033-erasable-subjects.md). The keys
-- are in the logs' own objects and nowhere else; where one is destroyed, nothing has to be changed here for the person
-- to be unreadable.
CREATE TABLE audit.sealed_fields (
  log text NOT NULL CHECK (char_length(log) BETWEEN 1 AND 64),
  seq bigint NOT NULL CHECK (seq >= 1),
  -- The subject's number within its log: a pseudonym, and of an erased person nobody's.
  subject bigint NOT NULL CHECK (subject >= 1),
  -- AES-256-GCM, bound to log, number and subject. A user agent of 512 characters, each written as an escape, fits.
  sealed text NOT NULL CHECK (sealed ~ '^p1\.[A-Za-z0-9_-]+$' AND char_length(sealed) <= 16384),
  PRIMARY KEY (log, seq, subject)
);

-- A row goes only behind its entry, once that is in no month of the log any more.
CREATE FUNCTION audit.refuse_unless_retired() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF EXISTS (SELECT FROM audit.events e WHERE e.log = OLD.log AND e.seq = OLD.seq) THEN
    RAISE EXCEPTION 'the audit log is append-only: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN OLD;
END
$$;
REVOKE ALL ON FUNCTION audit.refuse_unless_retired() FROM PUBLIC;
CREATE TRIGGER refuse_change BEFORE UPDATE ON audit.sealed_fields
  FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER refuse_delete BEFORE DELETE ON audit.sealed_fields
  FOR EACH ROW EXECUTE FUNCTION audit.refuse_unless_retired();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON audit.sealed_fields
  FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
GRANT SELECT, INSERT ON audit.sealed_fields TO sentinel_audit_writer;

-- What was stored in clear goes, entry by entry, as its log sends the sealed form. The data Worker of the release
-- before still adds to it: that right goes with a later release.
GRANT DELETE ON audit.personal_fields TO sentinel_audit_writer;

-- As in 0003, with what is sealed.
CREATE OR REPLACE FUNCTION audit.drop_retired_month(p_month date) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  kept text := 'retired_' || to_char(p_month, 'YYYY_MM');
  plain bigint;
  sealed bigint;
BEGIN
  IF NOT EXISTS (SELECT FROM audit.retired_months r WHERE r.month = p_month AND r.detached_at < now() - interval '30 days') THEN
    RAISE EXCEPTION 'audit: no month that was retired 30 days ago' USING ERRCODE = 'insufficient_privilege';
  END IF;
  EXECUTE format('DELETE FROM audit.personal_fields p USING audit.%I e WHERE p.log = e.log AND p.seq = e.seq', kept);
  GET DIAGNOSTICS plain = ROW_COUNT;
  EXECUTE format('DELETE FROM audit.sealed_fields s USING audit.%I e WHERE s.log = e.log AND s.seq = e.seq', kept);
  GET DIAGNOSTICS sealed = ROW_COUNT;
  EXECUTE format('DROP TABLE audit.%I', kept);
  RETURN plain + sealed;
END
$$;
