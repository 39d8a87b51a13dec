-- When somebody last had a test message sent to where an audit log is streamed: the next one waits for a moment.
ALTER TABLE control.audit_streams ADD COLUMN tested_at timestamptz;
