/**
 * The table of a log's entries, and what they are found by besides their facets. `actor` and `target` hold a person's
 * number (`#12`) or a device's id, `personal` what is sealed, `addresses` keyed tags: whoever has no key in `subjects`
 * can be found by none of them. Rows from before they were sealed are in clear until {@link EntrySealing} reaches them.
 */
export const entriesSchema = `
CREATE TABLE IF NOT EXISTS entries (
  seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, request_id TEXT NOT NULL, phase TEXT NOT NULL,
  intent_seq INTEGER, result TEXT, type TEXT NOT NULL, actor TEXT, target TEXT, event TEXT NOT NULL,
  personal TEXT NOT NULL, leaf TEXT NOT NULL, leaf_hash TEXT NOT NULL, alongside INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS entries_by_type ON entries (type, seq);
CREATE INDEX IF NOT EXISTS entries_by_actor ON entries (actor, seq) WHERE actor IS NOT NULL;
CREATE INDEX IF NOT EXISTS entries_by_target ON entries (target, seq) WHERE target IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS one_outcome ON entries (intent_seq) WHERE intent_seq IS NOT NULL;
CREATE TABLE IF NOT EXISTS addresses (
  subject INTEGER NOT NULL, seq INTEGER NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (subject, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS addresses_by_tag ON addresses (tag, seq);`;
