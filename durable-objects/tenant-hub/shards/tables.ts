/**
 * The tables that only a tenant of several objects has; made when an object first finds itself one of them.
 *
 * - `relay_out`: messages for another object, committed with whatever else the step wrote. A row holds
 *   the messages of one commit for one target, as `relay-codec.ts` writes them. `seq` never repeats.
 * - `relay_in`: per sender, the last row that was taken; written in the transaction of what the row caused.
 * - `shard_interest`: on a shard, what the directory's sessions subscribe to.
 * - `interest_known`: in the directory, the digest that each shard has confirmed.
 * - `handover_out`: a device that is leaving, in parts, until its new home confirms that it has it. `bundle`
 *   names this one leaving: an old confirmation must not take a newer bundle away.
 * - `handover_in`: devices that came and whose old home has not heard so yet.
 */
const schema = `
CREATE TABLE IF NOT EXISTS relay_out (seq INTEGER PRIMARY KEY AUTOINCREMENT, target TEXT NOT NULL, data BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS relay_out_by_target ON relay_out (target, seq);
CREATE TABLE IF NOT EXISTS relay_in (sender TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS shard_interest (filter TEXT PRIMARY KEY, qos INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS interest_known (shard TEXT PRIMARY KEY, digest TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS handover_out (
  device TEXT NOT NULL, part INTEGER NOT NULL, bundle TEXT NOT NULL, data BLOB NOT NULL, PRIMARY KEY (device, part)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS handover_in (
  device TEXT PRIMARY KEY, source TEXT NOT NULL, bundle TEXT NOT NULL
) WITHOUT ROWID;
`;

/** Makes them where they are missing; cheap when they are there. */
export function openShardTables(sql: SqlStorage): void {
  sql.exec(schema);
}

/** A value of the object's `meta` table; null when it was never set. */
export function readMeta(sql: SqlStorage, key: string): string | null {
  const [row] = sql.exec("SELECT value FROM meta WHERE key = ?", key).toArray();
  return row === undefined ? null : String(row["value"]);
}

export function writeMeta(sql: SqlStorage, key: string, value: string): void {
  sql.exec("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", key, value);
}
