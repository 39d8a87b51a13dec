-- Backups that the platform makes by itself (docs/adr/0021-backups.md). Their keys are wrapped under the organisation's
-- own data keys, and so under its keeper; those that the operator's tool makes, under the operator's key file.
ALTER TABLE control.backups
  ADD COLUMN made_by text NOT NULL DEFAULT 'operator' CHECK (made_by IN ('operator', 'platform'));

-- Runs, to be seen and to be counted; what came of a good one is in control.backups under the same id.
CREATE TABLE control.backup_runs (
  id text PRIMARY KEY CHECK (id ~ '^bak_[0-9a-z]{26}$'),
  org_id text NOT NULL REFERENCES control.organisations (id) ON DELETE CASCADE,
  -- False: the clock's. Whose request it was, the log says.
  by_request boolean NOT NULL,
  state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed')),
  failure text CHECK (failure ~ '^[a-z_]{1,40}$'),
  requested_at timestamptz NOT NULL DEFAULT now(),
  started_at timestamptz,
  -- When the run was last heard of.
  seen_at timestamptz,
  finished_at timestamptz,
  -- Of rows, before compression; and of the tables on disk, to tell progress by.
  bytes bigint NOT NULL DEFAULT 0 CHECK (bytes >= 0),
  bytes_estimated bigint CHECK (bytes_estimated >= 0),
  CHECK ((failure IS NOT NULL) = (state = 'failed')),
  CHECK ((started_at IS NULL) = (state = 'queued')),
  CHECK ((finished_at IS NULL) = (state IN ('queued', 'running')))
);
-- One at a time for each organisation: two at once would read everything twice.
CREATE UNIQUE INDEX backup_runs_one ON control.backup_runs (org_id) WHERE state IN ('queued', 'running');
CREATE INDEX backup_runs_org ON control.backup_runs (org_id, id);
CREATE INDEX backup_runs_open ON control.backup_runs (requested_at) WHERE state IN ('queued', 'running');

GRANT SELECT, INSERT, UPDATE, DELETE ON control.backup_runs TO sentinel_control;
-- It writes a wrapped key and can't read one back; it deletes what is too old, and the key goes with the row.
GRANT SELECT (made_by) ON control.backups TO sentinel_control;
GRANT INSERT (id, org_id, wrapped_key, tenant_schema, snapshot_at, bytes, rows, sha256, verified_at, made_by)
  ON control.backups TO sentinel_control;
GRANT DELETE ON control.backups TO sentinel_control;
-- `data` hands a wrapped key to capabilities, and opens none.
GRANT SELECT (id, org_id, wrapped_key, made_by) ON control.backups TO sentinel_directory;
