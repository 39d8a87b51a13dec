-- How a provider of language models is spoken to: in OpenAI's format, which most know, or in Anthropic's own (docs/llm.md).
-- Each that is here already is spoken to as before.
ALTER TABLE {{schema}}.llm_providers
  ADD COLUMN kind text NOT NULL DEFAULT 'openai' CHECK (kind IN ('openai', 'anthropic'));
GRANT UPDATE (kind) ON {{schema}}.llm_providers TO {{role}};
