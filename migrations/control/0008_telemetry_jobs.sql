-- When the telemetry job was last with an organisation, so that each run begins with whom it left out
-- longest. No row: never. It is no lock: two runs at once do the same work beside each other.
CREATE TABLE control.telemetry_jobs (
  org_id text PRIMARY KEY REFERENCES control.organisation_placements (org_id) ON DELETE CASCADE,
  ran_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON control.telemetry_jobs TO sentinel_directory;
