-- Witnesses that an organisation lets cosign its audit log's checkpoints. A witness is no member: its token opens
-- this organisation's checkpoint, consistency proofs and cosignatures, and nothing else has a way from this table.
CREATE TABLE control.audit_witnesses (
  id text PRIMARY KEY CHECK (id ~ '^wit_[0-9a-z]{26}$'),
  org_id text NOT NULL REFERENCES control.organisations ON DELETE CASCADE,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  -- Its public key as C2SP signed-note writes one: name+id+key.
  verifier text NOT NULL CHECK (length(verifier) BETWEEN 56 AND 400),
  -- Of its token, which is shown once. A witness that is removed is a row that is gone.
  secret_hash text NOT NULL UNIQUE CHECK (secret_hash ~ '^[0-9a-f]{64}$'),
  created_by text NOT NULL REFERENCES control.users,
  created_at timestamptz NOT NULL
);
-- One key a name: lines of a note under one name and id that do not all verify spoil the note.
CREATE UNIQUE INDEX audit_witnesses_key_name ON control.audit_witnesses (org_id, split_part(verifier, '+', 1));
GRANT SELECT, INSERT, DELETE ON control.audit_witnesses TO sentinel_control;
