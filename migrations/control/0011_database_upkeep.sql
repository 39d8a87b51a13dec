-- What is done to tenants' databases by the clock: passwords change (ADR 22), and rights that a role threw
-- away, or somebody altered by hand, come back.

-- A rotation says its next epoch first (rotating_to, rotating_since), changes the role when every caller
-- knows of it, and moves password_epoch last. A password is derived from a root secret; which one is said
-- by a name that can't be turned back. Null: from before roots had names, so the oldest one there is.
ALTER TABLE control.organisation_placements
  ADD COLUMN password_changed_at timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN password_root text CHECK (password_root ~ '^[0-9a-f]{16}$'),
  -- The operator asked for it; null: only its age does.
  ADD COLUMN rotation_due_at timestamptz,
  ADD COLUMN rotating_since timestamptz,
  ADD COLUMN rotating_root text CHECK (rotating_root ~ '^[0-9a-f]{16}$'),
  -- Since when its schema lets through what it should not and could not be repaired: nobody is connected.
  ADD COLUMN closed_at timestamptz;
UPDATE control.organisation_placements SET password_changed_at = assigned_at;
GRANT UPDATE (password_epoch, password_changed_at, password_root, rotation_due_at, rotating_to, rotating_since,
  rotating_root, closed_at) ON control.organisation_placements TO sentinel_directory;

-- When a tenant's rights were last compared with what they should be, so that each run begins with whom it
-- left out longest. No row: never.
CREATE TABLE control.rights_checks (
  org_id text PRIMARY KEY REFERENCES control.organisation_placements (org_id) ON DELETE CASCADE,
  checked_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON control.rights_checks TO sentinel_directory;
