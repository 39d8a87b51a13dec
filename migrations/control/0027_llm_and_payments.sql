-- What came of a payment provider's event, in a word: `applied` in 0023 is true also for one that was overtaken.
-- Null: it was noted by a release before this one, which did not say.
ALTER TABLE control.payment_events
  ADD COLUMN outcome text CHECK (outcome IN ('applied', 'overtaken', 'ignored'));

-- Whom the clock has told that a key of a language model's provider is due (docs/llm.md): each key's three mails, once.
CREATE TABLE control.llm_key_reminders (
  org_id text NOT NULL REFERENCES control.organisations ON DELETE CASCADE,
  -- The provider stands in the tenant's own schema, so nothing is referenced.
  provider_id text NOT NULL CHECK (provider_id ~ '^llm_[0-9a-z]{26}$'),
  -- Which key of it: when it was given.
  key_since timestamptz NOT NULL,
  stage text NOT NULL CHECK (stage IN ('week', 'day', 'blocked')),
  -- Whoever sends it has it until then. Over and not mailed: they were killed, and the next one sends it.
  claimed_until timestamptz NOT NULL,
  mailed_at timestamptz,
  PRIMARY KEY (org_id, provider_id, key_since, stage)
);
GRANT SELECT, INSERT, DELETE ON control.llm_key_reminders TO sentinel_control;
GRANT UPDATE (claimed_until, mailed_at) ON control.llm_key_reminders TO sentinel_control;
