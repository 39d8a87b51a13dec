-- The text of PDFs (docs/adr/0040-text-of-pdfs.md): read by a Worker of its own, which may be down when a version is
-- completed. Then nothing is read here, and the clock tries again, a few times.
ALTER TABLE {{schema}}.document_versions
  -- Null: not yet, or of no PDF. `read`: its words are what the document is found by. `unreadable`: there is no reading it.
  ADD COLUMN text_state text CHECK (text_state IN ('read', 'unreadable')),
  -- How often it was tried; five times are enough (store/tenant/document-texts.ts).
  ADD COLUMN text_tries integer NOT NULL DEFAULT 0 CHECK (text_tries BETWEEN 0 AND 100);
-- What the clock looks for: few, and mostly none.
CREATE INDEX document_versions_unread ON {{schema}}.document_versions (document_id)
  WHERE media_type = 'application/pdf' AND text_state IS NULL AND number IS NOT NULL;
GRANT UPDATE (text_state, text_tries) ON {{schema}}.document_versions TO {{role}};
