-- Where an organisation's audit log is streamed to (docs/adr/0032-audit-stream.md). Entries are not copied: the log
-- keeps them, and here stands only how far the destination has them.
CREATE TABLE control.audit_streams (
  id text PRIMARY KEY CHECK (id ~ '^aus_[0-9a-z]{26}$'),
  org_id text NOT NULL UNIQUE REFERENCES control.organisations ON DELETE CASCADE,
  -- An address may hold a token of the receiver's, so it is shown to those alone who may change it.
  url text NOT NULL CHECK (length(url) BETWEEN 9 AND 512),
  format text NOT NULL CHECK (format IN ('json', 'syslog')),
  -- Signing secrets, sealed under studio's identity key; the older one is good until `previous_until`.
  sealed text NOT NULL,
  previous_sealed text,
  previous_until timestamptz,
  created_at timestamptz NOT NULL,
  -- Entries up to this one were taken, or stand in audit_stream_dead_letters.
  delivered_seq bigint NOT NULL CHECK (delivered_seq >= 0),
  -- The last entry of the message that is under way: a message that is sent again is the same one.
  sending_seq bigint CHECK (sending_seq > delivered_seq),
  -- Failures in a row, of this message.
  tries integer NOT NULL DEFAULT 0 CHECK (tries >= 0),
  failing_since timestamptz,
  failure text CHECK (failure ~ '^[a-z_]{1,40}$'),
  status integer CHECK (status BETWEEN 100 AND 599),
  -- Nothing is sent before.
  next_at timestamptz NOT NULL,
  -- Rises with each claim: whoever holds an older one writes nothing any more.
  claims bigint NOT NULL DEFAULT 0,
  -- Nothing is sent until somebody says so.
  stopped_at timestamptz,
  delivered_at timestamptz,
  -- When administrators were last told that it fails.
  mailed_at timestamptz,
  CHECK ((previous_sealed IS NULL) = (previous_until IS NULL)),
  CHECK ((failure IS NULL) = (failing_since IS NULL))
);
CREATE INDEX audit_streams_due ON control.audit_streams (next_at) WHERE stopped_at IS NULL;

-- Messages that were given up, by the numbers of their entries.
CREATE TABLE control.audit_stream_dead_letters (
  stream_id text NOT NULL REFERENCES control.audit_streams ON DELETE CASCADE,
  first_seq bigint NOT NULL CHECK (first_seq >= 1),
  last_seq bigint NOT NULL,
  failure text NOT NULL CHECK (failure ~ '^[a-z_]{1,40}$'),
  status integer CHECK (status BETWEEN 100 AND 599),
  died_at timestamptz NOT NULL,
  -- Somebody asked for it to be sent again.
  queued_at timestamptz,
  PRIMARY KEY (stream_id, first_seq),
  CHECK (last_seq >= first_seq)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON control.audit_streams, control.audit_stream_dead_letters TO sentinel_control;

-- Mail about what the log says should be looked at. No row: it is sent, and there was none yet.
CREATE TABLE control.audit_alert_mails (
  org_id text PRIMARY KEY REFERENCES control.organisations ON DELETE CASCADE,
  enabled boolean NOT NULL DEFAULT true,
  -- There is an alert that nobody was told of.
  waiting boolean NOT NULL DEFAULT false,
  -- Alerts up to this entry were told.
  told_seq bigint NOT NULL DEFAULT 0 CHECK (told_seq >= 0),
  -- No mail before, and how many on that day: whoever makes alerts must not make mail without end.
  next_at timestamptz NOT NULL,
  day date NOT NULL,
  mails integer NOT NULL DEFAULT 0 CHECK (mails >= 0)
);
CREATE INDEX audit_alert_mails_waiting ON control.audit_alert_mails (next_at) WHERE waiting AND enabled;
GRANT SELECT, INSERT, UPDATE ON control.audit_alert_mails TO sentinel_control;
