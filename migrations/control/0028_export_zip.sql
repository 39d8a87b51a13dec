-- Documents' bytes as one archive (docs/adr/0041-documents-as-a-zip.md).
ALTER TABLE control.exports DROP CONSTRAINT exports_format_check;
ALTER TABLE control.exports ADD CONSTRAINT exports_format_check CHECK (format IN ('csv', 'jsonl', 'xlsx', 'zip'));
