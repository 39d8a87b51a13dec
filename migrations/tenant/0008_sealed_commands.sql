-- A command's arguments, sealed under the organisation's data key, which lies in no tenant's schema
-- (docs/adr/0020-encryption-at-rest.md). Where it stands, args is {}: rows of before keep theirs. Longest:
-- 15 Ki characters of at most four bytes, in base64url, with the envelope's own parts.
ALTER TABLE {{schema}}.commands ADD COLUMN args_sealed text CHECK (length(args_sealed) BETWEEN 1 AND 98304);
