-- Roll-outs: for a while more devices a minute may enrol with one code than usual.
--
-- Both columns are set or neither. What they say counts until `rollout_until` and then for nothing, without
-- anybody's doing. The bounds are the code's own (workers/capabilities) once more, so that a mistake there can't
-- open a code for ever.
ALTER TABLE {{schema}}.enrollment_codes
  ADD COLUMN rollout_per_minute integer CHECK (rollout_per_minute BETWEEN 1 AND 600),
  ADD COLUMN rollout_until timestamptz,
  ADD CONSTRAINT enrollment_codes_rollout CHECK ((rollout_per_minute IS NULL) = (rollout_until IS NULL));

GRANT UPDATE (rollout_per_minute, rollout_until) ON {{schema}}.enrollment_codes TO {{role}};
