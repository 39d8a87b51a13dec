-- Workers AI as a kind of provider (docs/adr/0043-workers-ai.md): the platform's own models, asked through a binding of the
-- operator's. It has no address and no key of the organisation's, and that is said here, so that a key that is missing by
-- accident is no such provider but a row that is refused.
ALTER TABLE {{schema}}.llm_providers
  DROP CONSTRAINT llm_providers_kind_check,
  ADD CONSTRAINT llm_providers_kind_check CHECK (kind IN ('openai', 'anthropic', 'workers_ai')),
  ALTER COLUMN base_url DROP NOT NULL,
  ALTER COLUMN key_sealed DROP NOT NULL,
  ALTER COLUMN key_fingerprint DROP NOT NULL,
  ALTER COLUMN key_since DROP NOT NULL,
  ALTER COLUMN grace_days DROP NOT NULL,
  -- All of it, or none: which one, the kind says.
  ADD CONSTRAINT llm_providers_way CHECK (CASE WHEN kind = 'workers_ai'
    THEN num_nonnulls(base_url, key_sealed, key_fingerprint, key_since, grace_days,
      previous_sealed, previous_fingerprint, previous_until) = 0
    ELSE num_nulls(base_url, key_sealed, key_fingerprint, key_since, grace_days) = 0 END);

-- Whether the operator pays for what a month's row counts: what the plan allows of that is another figure, and it outlives
-- the provider as the row does.
ALTER TABLE {{schema}}.llm_months ADD COLUMN operator_pays boolean NOT NULL DEFAULT false;
