-- The life of an organisation after its creation: suspended, deleted, erased (docs/adr/0019-lifecycle.md).

ALTER TABLE control.organisations
  DROP CONSTRAINT organisations_status_check,
  ADD CONSTRAINT organisations_status_check CHECK (status IN ('provisioning', 'active', 'suspended', 'deleting')),
  -- Set while the operator keeps it shut. Beside the status, because one that is to be deleted may be
  -- suspended as well, and is so again when its deletion is undone.
  ADD COLUMN suspended_at timestamptz,
  -- Rises with each change of the status; the hub takes none that is older than what it knows.
  ADD COLUMN state_version bigint NOT NULL DEFAULT 1,
  -- The newest version that hub and edge were told; behind it, somebody has yet to be told.
  ADD COLUMN state_told bigint NOT NULL DEFAULT 1,
  -- When its creation was last tried, by this database's clock.
  ADD COLUMN claimed_at timestamptz NOT NULL DEFAULT now(),
  -- What it may have (core/tenancy/plan.ts).
  ADD COLUMN plan text NOT NULL DEFAULT 'free' CHECK (plan IN ('free', 'school', 'district'));
UPDATE control.organisations SET suspended_at = now() WHERE status = 'suspended';
-- What was promised to those who are here already is not taken away by a default.
UPDATE control.organisations SET plan = 'district';
ALTER TABLE control.organisations
  ADD CONSTRAINT organisations_suspended CHECK (status <> 'suspended' OR suspended_at IS NOT NULL),
  ADD CONSTRAINT organisations_told CHECK (state_told <= state_version);
CREATE INDEX organisations_untold ON control.organisations (id) WHERE state_told < state_version;
CREATE INDEX organisations_unfinished ON control.organisations (claimed_at) WHERE status = 'provisioning';

-- One row a deletion. It stays when the organisation is gone: who asked, when, and what was done.
CREATE TABLE control.org_deletions (
  org_id text PRIMARY KEY CHECK (org_id ~ '^org_[0-9a-z]{26}$'),
  -- Null: the operator, or nobody (a creation that was never finished).
  requested_by text CHECK (requested_by ~ '^usr_[0-9a-z]{26}$'),
  reason text NOT NULL DEFAULT 'requested' CHECK (reason IN ('requested', 'abandoned')),
  requested_at timestamptz NOT NULL DEFAULT now(),
  -- By this database's clock and its default alone: no Worker can write a shorter grace.
  delete_after timestamptz NOT NULL DEFAULT now() + interval '30 days',
  -- The owners were told.
  mailed_at timestamptz,
  -- From here on there is no way back.
  started_at timestamptz,
  -- Steps that are done, by name, in the order of their doing.
  steps_done text[] NOT NULL DEFAULT '{}',
  -- Written by the data Worker alone: schema and role are gone from their placement.
  tenant_dropped_at timestamptz,
  finished_at timestamptz,
  CONSTRAINT org_deletions_grace CHECK (started_at >= delete_after),
  CONSTRAINT org_deletions_order CHECK (finished_at IS NULL OR (started_at IS NOT NULL AND tenant_dropped_at IS NOT NULL))
);
CREATE INDEX org_deletions_open ON control.org_deletions (delete_after) WHERE finished_at IS NULL;

GRANT SELECT, DELETE ON control.org_deletions TO sentinel_control;
GRANT INSERT (org_id, requested_by) ON control.org_deletions TO sentinel_control;
GRANT UPDATE (mailed_at, steps_done) ON control.org_deletions TO sentinel_control;
GRANT SELECT ON control.org_deletions TO sentinel_directory;
GRANT UPDATE (tenant_dropped_at) ON control.org_deletions TO sentinel_directory;
-- Jobs pass over organisations that are shut.
GRANT SELECT (id, status) ON control.organisations TO sentinel_directory;

-- What follows changes rows that Studio itself may not: each function does one thing, at its time only.

-- Ends the grace of one deletion. False when there is none, or it is not over yet.
CREATE FUNCTION control.begin_erasure(org text) RETURNS boolean
  LANGUAGE sql VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    WITH begun AS (
      UPDATE control.org_deletions SET started_at = coalesce(started_at, now())
      WHERE org_id = org AND delete_after <= now() AND finished_at IS NULL RETURNING 1)
    SELECT EXISTS (SELECT FROM begun)
  $$;

-- Gives up a creation that nobody has come back to for a day: it is erased like one that was deleted,
-- without a grace, because it never answered anybody.
CREATE FUNCTION control.abandon_creation(org text) RETURNS boolean
  LANGUAGE sql VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    WITH given_up AS (
      UPDATE control.organisations SET status = 'deleting'
      WHERE id = org AND status = 'provisioning' AND claimed_at < now() - interval '1 day' RETURNING id),
    noted AS (
      INSERT INTO control.org_deletions (org_id, reason, delete_after)
      SELECT id, 'abandoned', now() FROM given_up RETURNING 1)
    SELECT EXISTS (SELECT FROM noted)
  $$;

-- The last step: the organisation's own rows go, and its slug is free. Only after the data Worker has said
-- that schema and role are gone. The audit log stays, and so does the row of the deletion.
CREATE FUNCTION control.erase_organisation(org text) RETURNS boolean
  LANGUAGE plpgsql VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    BEGIN
      PERFORM FROM control.org_deletions WHERE org_id = org AND started_at IS NOT NULL
        AND tenant_dropped_at IS NOT NULL AND finished_at IS NULL FOR UPDATE;
      IF NOT FOUND THEN RETURN false; END IF;
      -- Accounts of programs are nobody's without their organisation. Sessions go with them.
      DELETE FROM control.users u USING control.api_keys k
        WHERE k.org_id = org AND u.id = k.user_id AND u.kind = 'service';
      -- Everything else that names it goes with it (ON DELETE CASCADE).
      DELETE FROM control.organisations WHERE id = org;
      DELETE FROM control.tenant_migrations WHERE org_id = org;
      DELETE FROM control.organisation_placements WHERE org_id = org;
      UPDATE control.org_deletions SET finished_at = now() WHERE org_id = org;
      RETURN true;
    END
  $$;

REVOKE ALL ON FUNCTION control.begin_erasure(text), control.abandon_creation(text), control.erase_organisation(text)
  FROM PUBLIC;
GRANT EXECUTE ON FUNCTION control.begin_erasure(text), control.abandon_creation(text), control.erase_organisation(text)
  TO sentinel_control;
