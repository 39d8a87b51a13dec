-- Giving an upload up is two steps, the bucket's and the row's, and the bucket's must not come first: a completion in
-- between would make a version of what was just deleted. So its row says first that it is over.
ALTER TABLE {{schema}}.document_versions
  -- Since when it is being given up: from then on no part is taken and it becomes no version.
  ADD COLUMN ended_at timestamptz,
  ADD CONSTRAINT document_versions_ended CHECK (ended_at IS NULL OR number IS NULL);
GRANT UPDATE (ended_at) ON {{schema}}.document_versions TO {{role}};
