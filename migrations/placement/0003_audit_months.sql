-- contract: since 0002
-- (Partitions are dropped and renamed, with their rows in other ones: no release names one.)
-- The audit table by months, opened ahead by the clock; a month that is older than seven years is detached once its
-- sealed copy was read back (docs/adr/0031-audit-archive.md). Everything here belongs to the owner: its writer calls
-- two functions, which decide by this server's clock and can take nothing away that is younger.

-- One month. Nobody but the owner may name one.
CREATE FUNCTION audit.open_month(p_month date) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  part text := 'events_' || to_char(p_month, 'YYYY_MM');
BEGIN
  IF p_month <> date_trunc('month', p_month)::date THEN
    RAISE EXCEPTION 'a month is named by its first day' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF to_regclass('audit.' || part) IS NOT NULL THEN
    RETURN false;
  END IF;
  EXECUTE format('CREATE TABLE audit.%I PARTITION OF audit.events FOR VALUES FROM (%L) TO (%L)', part,
    p_month::timestamp AT TIME ZONE 'UTC', (p_month + interval '1 month') AT TIME ZONE 'UTC');
  -- The row trigger is copied from the parent, this one is not.
  EXECUTE format(
    'CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON audit.%I FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change()', part);
  RETURN true;
END
$$;

-- Puts the rows of a table that is no partition (any more) into the months that are open, holds the copy against it,
-- and drops it. The log's writer has no right on it, and nobody could change it in between: its lock is held.
CREATE FUNCTION audit.take_in(p_table regclass) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  were bigint;
  are bigint;
BEGIN
  EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', p_table);
  EXECUTE format('SELECT count(*) FROM %s', p_table) INTO were;
  EXECUTE format(
    'INSERT INTO audit.events (log, seq, occurred_at, request_id, phase, intent_seq, result, type, leaf_json, leaf_hash, drained_at)
     SELECT log, seq, occurred_at, request_id, phase, intent_seq, result, type, leaf_json, leaf_hash, drained_at FROM %s', p_table);
  EXECUTE format(
    'SELECT count(*) FROM %s o JOIN audit.events e USING (log, seq, occurred_at) WHERE e = ROW(o.*)::audit.events', p_table) INTO are;
  IF were <> are THEN
    RAISE EXCEPTION 'audit: % of % rows arrived', are, were USING ERRCODE = 'data_corrupted';
  END IF;
  EXECUTE format('DROP TABLE %s', p_table);
  RETURN were;
END
$$;

-- The months up to three ahead of now, by this server's clock. Entries that came before their month was open wait in
-- the default partition and are put where they belong. Whose times lie further ahead, or before the log began, stay
-- there: who holds the writer's password could otherwise open a month for every entry.
-- Returns how many months it opened and how many rows it moved.
CREATE FUNCTION audit.open_months(OUT opened integer, OUT moved bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s'
AS $$
DECLARE
  first_month CONSTANT date := '2026-01-01';
  last_month CONSTANT date := (date_trunc('month', now() AT TIME ZONE 'UTC') + interval '3 months')::date;
  wanted date[];
BEGIN
  opened := 0;
  moved := 0;
  -- The months from now on, and those of entries that wait.
  SELECT array_agg(DISTINCT m ORDER BY m) INTO wanted FROM (
    SELECT generate_series(last_month - interval '3 months', last_month, interval '1 month')::date AS m
    UNION SELECT date_trunc('month', occurred_at AT TIME ZONE 'UTC')::date FROM ONLY audit.events_default
      WHERE occurred_at >= first_month::timestamp AT TIME ZONE 'UTC'
        AND occurred_at < (last_month + interval '1 month') AT TIME ZONE 'UTC') months
  WHERE to_regclass('audit.events_' || to_char(m, 'YYYY_MM')) IS NULL;
  IF wanted IS NULL THEN
    RETURN;
  END IF;
  -- One run at a time; who comes second finds the months open.
  LOCK TABLE audit.events IN ACCESS EXCLUSIVE MODE;
  IF EXISTS (SELECT FROM audit.events_default) THEN
    ALTER TABLE audit.events DETACH PARTITION audit.events_default;
    ALTER TABLE audit.events_default RENAME TO events_waiting;
    ALTER INDEX audit.events_default_pkey RENAME TO events_waiting_pkey;
    CREATE TABLE audit.events_default PARTITION OF audit.events DEFAULT;
    CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON audit.events_default
      FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
  END IF;
  SELECT count(*) FILTER (WHERE audit.open_month(m)) INTO opened FROM unnest(wanted) m;
  IF to_regclass('audit.events_waiting') IS NOT NULL THEN
    moved := audit.take_in('audit.events_waiting');
  END IF;
END
$$;

-- Years become months: 24 of them here, the others when the clock comes to them.
DO $$
DECLARE
  part regclass;
  years regclass[] := ARRAY(SELECT inhrelid::regclass FROM pg_inherits
    WHERE inhparent = 'audit.events'::regclass AND inhrelid <> 'audit.events_default'::regclass ORDER BY inhrelid::regclass::text);
  month date;
BEGIN
  FOREACH part IN ARRAY years LOOP
    EXECUTE format('ALTER TABLE audit.events DETACH PARTITION %s', part);
  END LOOP;
  FOR month IN
    SELECT generate_series('2026-01-01'::timestamp, '2027-12-01'::timestamp, interval '1 month')::date
  LOOP
    PERFORM audit.open_month(month);
  END LOOP;
  FOREACH part IN ARRAY years LOOP
    PERFORM audit.take_in(part);
  END LOOP;
END
$$;

-- Months that are detached, and what was sealed of each. Written by retire_month alone.
CREATE TABLE audit.retired_months (
  month date PRIMARY KEY,
  entries bigint NOT NULL CHECK (entries >= 0),
  -- SHA-256 of the sealed copy's manifest, hex.
  seal text NOT NULL CHECK (seal ~ '^[0-9a-f]{64}$'),
  detached_at timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON audit.retired_months
  FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON audit.retired_months
  FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

-- Detaches a month that ended seven years ago and has exactly as many entries as were sealed: rows never change, so
-- as many are the same ones. It becomes a table beside the log, as unchangeable as before, which its writer can't
-- read. Returns false when it was detached before, with this seal.
CREATE FUNCTION audit.retire_month(p_month date, p_entries bigint, p_seal text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s'
AS $$
DECLARE
  part text := 'events_' || to_char(p_month, 'YYYY_MM');
  kept text := 'retired_' || to_char(p_month, 'YYYY_MM');
  are bigint;
BEGIN
  IF p_month <> date_trunc('month', p_month)::date
    OR (p_month + interval '1 month') AT TIME ZONE 'UTC' > now() - interval '7 years' THEN
    RAISE EXCEPTION 'audit: the log is kept for seven years' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF EXISTS (SELECT FROM audit.retired_months r WHERE r.month = p_month AND r.entries = p_entries AND r.seal = p_seal) THEN
    RETURN false;
  END IF;
  -- Nothing can come in between the count and the end; readers go on.
  EXECUTE format('LOCK TABLE audit.%I IN SHARE MODE', part);
  EXECUTE format('SELECT count(*) FROM audit.%I', part) INTO are;
  IF are <> p_entries THEN
    RAISE EXCEPTION 'audit: % entries were sealed of %', p_entries, are USING ERRCODE = 'data_corrupted';
  END IF;
  EXECUTE format('ALTER TABLE audit.events DETACH PARTITION audit.%I', part);
  EXECUTE format('ALTER TABLE audit.%I RENAME TO %I', part, kept);
  -- Detaching takes the row trigger away, which was the parent's.
  EXECUTE format(
    'CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON audit.%I FOR EACH ROW EXECUTE FUNCTION audit.refuse_change()', kept);
  INSERT INTO audit.retired_months (month, entries, seal) VALUES (p_month, p_entries, p_seal);
  RETURN true;
END
$$;

-- By the owner's hand alone, and not within 30 days: the rows of a retired month, and what named persons in them.
CREATE FUNCTION audit.drop_retired_month(p_month date) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  kept text := 'retired_' || to_char(p_month, 'YYYY_MM');
  persons bigint;
BEGIN
  IF NOT EXISTS (SELECT FROM audit.retired_months r WHERE r.month = p_month AND r.detached_at < now() - interval '30 days') THEN
    RAISE EXCEPTION 'audit: no month that was retired 30 days ago' USING ERRCODE = 'insufficient_privilege';
  END IF;
  EXECUTE format('DELETE FROM audit.personal_fields p USING audit.%I e WHERE p.log = e.log AND p.seq = e.seq', kept);
  GET DIAGNOSTICS persons = ROW_COUNT;
  EXECUTE format('DROP TABLE audit.%I', kept);
  RETURN persons;
END
$$;

REVOKE ALL ON FUNCTION audit.open_month(date), audit.take_in(regclass), audit.open_months(),
  audit.retire_month(date, bigint, text), audit.drop_retired_month(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.open_months(), audit.retire_month(date, bigint, text) TO sentinel_audit_writer;
GRANT SELECT ON audit.retired_months TO sentinel_audit_writer;
