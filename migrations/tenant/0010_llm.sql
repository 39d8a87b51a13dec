-- Language models: an organisation's own providers, what each month cost, and who spent it (docs/llm.md).
--
--   owner, admin      change providers; see everybody's use
--   whoever a provider names by role   read it, to ask it, and add to what the month cost
--   readonly          sees everybody's use, asks nobody
--   system (jobs)     reads everything (backups)
--   no valid scope    nothing
-- Keys stand here sealed under the organisation's data key, which lies in no tenant's schema.

CREATE TABLE {{schema}}.llm_providers (
  id text PRIMARY KEY CHECK (id ~ '^llm_[0-9a-z]{26}$'),
  name text NOT NULL UNIQUE CHECK (char_length(name) BETWEEN 1 AND 64),
  -- Where its API begins; whether it may be called is judged anew at each call.
  base_url text NOT NULL CHECK (length(base_url) BETWEEN 1 AND 512),
  key_sealed text NOT NULL CHECK (length(key_sealed) BETWEEN 1 AND 8192),
  key_fingerprint text NOT NULL CHECK (key_fingerprint ~ '^[0-9a-f]{16}$'),
  key_since timestamptz NOT NULL DEFAULT now(),
  -- The key before, while both are valid.
  previous_sealed text CHECK (length(previous_sealed) BETWEEN 1 AND 8192),
  previous_fingerprint text CHECK (previous_fingerprint ~ '^[0-9a-f]{16}$'),
  previous_until timestamptz,
  -- Days beyond the month for which a key that nobody rotated goes on being used.
  grace_days integer NOT NULL CHECK (grace_days BETWEEN 0 AND 30),
  -- [{name, upstream, input, output}]: what people ask for, what the provider calls it, micro-dollars for a million tokens.
  models jsonb NOT NULL CHECK (jsonb_typeof(models) = 'array' AND jsonb_array_length(models) BETWEEN 1 AND 50),
  roles text[] NOT NULL CHECK (roles <@ ARRAY['owner', 'admin', 'analyst', 'viewer']),
  -- Micro-dollars; at most a million dollars.
  monthly_budget bigint NOT NULL CHECK (monthly_budget BETWEEN 0 AND 1000000000000),
  -- Its place in the chain: the lowest is asked first.
  place integer NOT NULL CHECK (place BETWEEN 0 AND 1000),
  -- Personal data is masked before it leaves for it.
  masks boolean NOT NULL,
  created_by text NOT NULL CHECK (char_length(created_by) BETWEEN 1 AND 64),
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT llm_providers_previous CHECK (
    (previous_sealed IS NULL) = (previous_fingerprint IS NULL) AND (previous_sealed IS NULL) = (previous_until IS NULL))
);

-- What a month has cost with a provider, requests under way included at what they can cost at most. It outlives the
-- provider: what was spent stays spent, and what is under way is settled.
CREATE TABLE {{schema}}.llm_months (
  provider_id text NOT NULL CHECK (provider_id ~ '^llm_[0-9a-z]{26}$'),
  month date NOT NULL CHECK (extract(day FROM month) = 1),
  committed bigint NOT NULL CHECK (committed >= 0),
  PRIMARY KEY (provider_id, month)
);

-- Who used how much of which model in which month.
CREATE TABLE {{schema}}.llm_usage (
  month date NOT NULL CHECK (extract(day FROM month) = 1),
  -- People live in the control schema, perhaps in another cluster, so nothing can be referenced.
  user_id text NOT NULL CHECK (char_length(user_id) BETWEEN 1 AND 64),
  provider_id text NOT NULL CHECK (provider_id ~ '^llm_[0-9a-z]{26}$'),
  model text NOT NULL CHECK (char_length(model) BETWEEN 1 AND 128),
  requests bigint NOT NULL CHECK (requests >= 0),
  input_tokens bigint NOT NULL CHECK (input_tokens >= 0),
  output_tokens bigint NOT NULL CHECK (output_tokens >= 0),
  -- Micro-dollars.
  cost bigint NOT NULL CHECK (cost >= 0),
  PRIMARY KEY (month, user_id, provider_id, model)
);

ALTER TABLE {{schema}}.llm_providers ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.llm_providers FORCE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.llm_months ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.llm_months FORCE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.llm_usage ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.llm_usage FORCE ROW LEVEL SECURITY;

CREATE POLICY llm_providers_read ON {{schema}}.llm_providers FOR SELECT TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'system')
    OR (SELECT {{schema}}.scope_role()) = ANY (roles));
CREATE POLICY llm_providers_add ON {{schema}}.llm_providers FOR INSERT TO {{role}}
  WITH CHECK ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin') AND created_by = (SELECT {{schema}}.scope_user()));
CREATE POLICY llm_providers_change ON {{schema}}.llm_providers FOR UPDATE TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin'));
CREATE POLICY llm_providers_end ON {{schema}}.llm_providers FOR DELETE TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin'));

CREATE POLICY llm_months_read ON {{schema}}.llm_months FOR SELECT TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'analyst', 'viewer', 'readonly'));
-- For a provider that whoever asks may ask.
CREATE POLICY llm_months_add ON {{schema}}.llm_months FOR INSERT TO {{role}}
  WITH CHECK (EXISTS (SELECT FROM {{schema}}.llm_providers p WHERE p.id = provider_id
    AND (SELECT {{schema}}.scope_role()) = ANY (p.roles)));
-- What was reserved is settled also after the provider is gone, or asks another role.
CREATE POLICY llm_months_change ON {{schema}}.llm_months FOR UPDATE TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'analyst', 'viewer'));

CREATE POLICY llm_usage_read ON {{schema}}.llm_usage FOR SELECT TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'readonly')
    OR user_id = (SELECT {{schema}}.scope_user()));
CREATE POLICY llm_usage_add ON {{schema}}.llm_usage FOR INSERT TO {{role}}
  WITH CHECK ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'analyst', 'viewer')
    AND user_id = (SELECT {{schema}}.scope_user()));
CREATE POLICY llm_usage_change ON {{schema}}.llm_usage FOR UPDATE TO {{role}}
  USING ((SELECT {{schema}}.scope_role()) IN ('owner', 'admin', 'analyst', 'viewer')
    AND user_id = (SELECT {{schema}}.scope_user()));

-- A viewer's question to a model is a change as well: its receipt tells the audit log that it was asked (0001, 0004).
CREATE POLICY receipts_add_llm ON {{schema}}.operation_receipts FOR INSERT TO {{role}}
  WITH CHECK ((SELECT {{schema}}.scope_role()) = 'viewer');

-- Every row of them is in a backup (0006).
CREATE POLICY backup_read ON {{schema}}.llm_providers FOR SELECT TO CURRENT_USER, {{role}}
  USING ((SELECT {{schema}}.scope_role()) = 'system');
CREATE POLICY backup_read ON {{schema}}.llm_months FOR SELECT TO CURRENT_USER, {{role}}
  USING ((SELECT {{schema}}.scope_role()) = 'system');
CREATE POLICY backup_read ON {{schema}}.llm_usage FOR SELECT TO CURRENT_USER, {{role}}
  USING ((SELECT {{schema}}.scope_role()) = 'system');

GRANT SELECT, INSERT, DELETE ON {{schema}}.llm_providers TO {{role}};
GRANT UPDATE (name, base_url, key_sealed, key_fingerprint, key_since, previous_sealed, previous_fingerprint,
  previous_until, grace_days, models, roles, monthly_budget, place, masks) ON {{schema}}.llm_providers TO {{role}};
GRANT SELECT, INSERT ON {{schema}}.llm_months TO {{role}};
GRANT UPDATE (committed) ON {{schema}}.llm_months TO {{role}};
GRANT SELECT, INSERT ON {{schema}}.llm_usage TO {{role}};
GRANT UPDATE (requests, input_tokens, output_tokens, cost) ON {{schema}}.llm_usage TO {{role}};
