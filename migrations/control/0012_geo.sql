-- From where people and devices come, and how nobody locks themselves out by a geo policy (docs/geo.md).

-- A change of rules that nobody has confirmed: from revert_at on, `surfaces` (the last rules that were
-- confirmed) hold again. Who judges looks at the time; the clock only tidies up.
CREATE TABLE control.geo_reverts (
  org_id text PRIMARY KEY REFERENCES control.organisations ON DELETE CASCADE,
  surfaces jsonb NOT NULL,
  revert_at timestamptz NOT NULL,
  made_by text NOT NULL REFERENCES control.users,
  made_at timestamptz NOT NULL
);
CREATE INDEX geo_reverts_due ON control.geo_reverts (revert_at);

-- One person may come from one more country until a day. It goes with the membership.
CREATE TABLE control.geo_exceptions (
  id text PRIMARY KEY CHECK (id ~ '^gex_[0-9a-z]{26}$'),
  org_id text NOT NULL,
  user_id text NOT NULL,
  country text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
  until_at timestamptz NOT NULL,
  created_by text NOT NULL REFERENCES control.users,
  created_at timestamptz NOT NULL,
  FOREIGN KEY (org_id, user_id) REFERENCES control.memberships (org_id, user_id) ON DELETE CASCADE
);
CREATE INDEX geo_exceptions_org ON control.geo_exceptions (org_id, until_at);
CREATE INDEX geo_exceptions_member ON control.geo_exceptions (org_id, user_id);

-- One code an organisation, good once. What it opened stays beside it, and ends by itself.
CREATE TABLE control.geo_break_glass (
  org_id text PRIMARY KEY REFERENCES control.organisations ON DELETE CASCADE,
  code_hash text NOT NULL CHECK (code_hash ~ '^[0-9a-f]{64}$'),
  created_by text NOT NULL REFERENCES control.users,
  created_at timestamptz NOT NULL,
  used_at timestamptz,
  opened_country text CHECK (opened_country ~ '^[A-Z]{2}$'),
  opened_until timestamptz,
  CONSTRAINT geo_break_glass_opened_until CHECK ((opened_country IS NULL) = (opened_until IS NULL))
);

-- Where a session was last used in an organisation: country, operator and the /24 or /48, at most once an hour.
-- It says whom a new policy would refuse; it is not a history, and goes with the session.
CREATE TABLE control.geo_activity (
  org_id text NOT NULL REFERENCES control.organisations ON DELETE CASCADE,
  session_id text NOT NULL REFERENCES control.sessions ON DELETE CASCADE,
  surface text NOT NULL CHECK (surface IN ('dashboard', 'api', 'devices')),
  country text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
  -- 0 and '': not known.
  asn bigint NOT NULL CHECK (asn BETWEEN 0 AND 4294967295),
  network text NOT NULL CHECK (length(network) <= 49),
  seen_at timestamptz NOT NULL,
  PRIMARY KEY (org_id, session_id, surface)
);
CREATE INDEX geo_activity_session ON control.geo_activity (session_id);

-- Hubs that have yet to hear of a policy: written with the change, deleted when the hub was told.
CREATE TABLE control.geo_untold (
  org_id text PRIMARY KEY REFERENCES control.organisations ON DELETE CASCADE,
  policy_version bigint NOT NULL
);

GRANT SELECT, INSERT, UPDATE, DELETE ON control.geo_reverts, control.geo_exceptions, control.geo_break_glass,
  control.geo_activity, control.geo_untold TO sentinel_control;
