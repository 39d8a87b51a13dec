-- The control plane's first tables, on the first placement only. Runs as sentinel_owner.

DO $$
BEGIN
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO sentinel_control, sentinel_directory', current_database());
END
$$;

CREATE SCHEMA control;
GRANT USAGE ON SCHEMA control TO sentinel_control, sentinel_directory;

-- A Postgres cluster that takes tenants. Roles are cluster-wide and Neon documents 500 roles a
-- branch: 450 tenants leave room for Sentinel's own roles and for Neon's.
CREATE TABLE control.placements (
  name text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9-]{0,62}$'),
  tenants_max integer NOT NULL DEFAULT 450 CHECK (tenants_max BETWEEN 0 AND 450),
  created_at timestamptz NOT NULL DEFAULT now()
);

-- Which placement holds an organisation. The row is the reservation: it is written before the
-- schema, so that a creation which stopped half-way is finished in the same place.
CREATE TABLE control.organisation_placements (
  org_id text PRIMARY KEY CHECK (org_id ~ '^org_[0-9a-z]{26}$'),
  placement text NOT NULL REFERENCES control.placements (name),
  -- A placement has tenants_max slots; two creations that race for one can't both have it. A lock
  -- would need rights that the directory role has no other use for.
  slot integer NOT NULL CHECK (slot BETWEEN 1 AND 450),
  -- The epoch of the tenant role's derived password, and the next one while a rotation is under way.
  password_epoch integer NOT NULL DEFAULT 1 CHECK (password_epoch >= 1),
  rotating_to integer CHECK (rotating_to = password_epoch + 1),
  assigned_at timestamptz NOT NULL DEFAULT now(),
  -- Null until schema, role and migrations are complete.
  ready_at timestamptz,
  UNIQUE (placement, slot)
);

-- Written in the same transaction as the work of a request. The audit reconciler looks here for
-- what really happened.
CREATE TABLE control.operation_receipts (
  request_id text PRIMARY KEY CHECK (char_length(request_id) BETWEEN 1 AND 128),
  org_id text CHECK (org_id ~ '^org_[0-9a-z]{26}$'),
  at timestamptz NOT NULL DEFAULT now()
);

-- How far each tenant's schema is migrated, so that a wave over thousands can be resumed. The
-- schema's own schema_migrations is the truth; this is its index.
CREATE TABLE control.tenant_migrations (
  org_id text PRIMARY KEY REFERENCES control.organisation_placements (org_id),
  number integer NOT NULL CHECK (number >= 0),
  migrated_at timestamptz NOT NULL DEFAULT now()
);

GRANT SELECT, INSERT ON control.operation_receipts TO sentinel_control;

GRANT SELECT ON control.placements, control.organisation_placements, control.operation_receipts TO sentinel_directory;
GRANT INSERT ON control.organisation_placements TO sentinel_directory;
GRANT UPDATE (ready_at) ON control.organisation_placements TO sentinel_directory;
GRANT SELECT, INSERT ON control.tenant_migrations TO sentinel_directory;
GRANT UPDATE (number, migrated_at) ON control.tenant_migrations TO sentinel_directory;
