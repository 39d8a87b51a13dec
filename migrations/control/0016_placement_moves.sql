-- Moving an organisation to another placement (docs/adr/0029-moving.md), and hubs that hold organisations to
-- their plans.

-- Hubs hear of plans from now on and take who was never told for one on the smallest. The clock tells the others.
UPDATE control.organisations SET state_version = state_version + 1 WHERE plan <> 'free' AND status <> 'provisioning';

-- Where it is being moved to. In this row, and not beside it, because whoever would change its password, role or
-- schema meanwhile locks this row, and so one of the two sees the other.
ALTER TABLE control.organisation_placements
  ADD COLUMN moving_to text REFERENCES control.placements (name),
  ADD CONSTRAINT organisation_placements_moving
    CHECK (moving_to IS NULL OR (moving_to <> placement AND rotating_to IS NULL AND ready_at IS NOT NULL));

-- One row a move, until the old schema is gone. A step stands here when it is done, but for `closed`, which is said
-- before anything else is done to the old schema: from then on the API writes nothing.
CREATE TABLE control.placement_moves (
  org_id text PRIMARY KEY REFERENCES control.organisation_placements (org_id) ON DELETE CASCADE,
  source text NOT NULL REFERENCES control.placements (name),
  target text NOT NULL REFERENCES control.placements (name),
  step text NOT NULL DEFAULT 'announced' CHECK (step IN ('announced', 'closed', 'copied', 'switched', 'done')),
  announced_at timestamptz NOT NULL DEFAULT now(),
  closed_at timestamptz,
  copied_at timestamptz,
  -- What was compared, in both.
  rows_compared bigint CHECK (rows_compared >= 0),
  switched_at timestamptz,
  done_at timestamptz,
  CONSTRAINT placement_moves_places CHECK (source <> target),
  CONSTRAINT placement_moves_order CHECK (
    (step = 'announced' OR closed_at IS NOT NULL)
    AND (step IN ('announced', 'closed') OR (copied_at IS NOT NULL AND rows_compared IS NOT NULL))
    AND ((step IN ('switched', 'done')) = (switched_at IS NOT NULL))
    AND ((step = 'done') = (done_at IS NOT NULL)))
);
-- Studio refuses writes meanwhile. The data Worker begins a move and drops what is left of it; the steps between
-- are the owner's, whose connections the operator's command has.
GRANT SELECT (org_id, step, target) ON control.placement_moves TO sentinel_control;
GRANT SELECT, DELETE ON control.placement_moves TO sentinel_directory;
GRANT INSERT (org_id, source, target) ON control.placement_moves TO sentinel_directory;
GRANT UPDATE (moving_to) ON control.organisation_placements TO sentinel_directory;
