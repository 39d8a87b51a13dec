/**
 * The hub's tables. Everything a client was promised lives here; the broker's memory is a copy of it
 * without the payloads, rebuilt when the object wakes. What is on its way right now is in `journal`
 * first (journal.ts).
 *
 * `outbox`: a row holds a tick's records, one a line (outbox-store.ts); `seq` is the last one's.
 */
const schema = `
CREATE TABLE devices (
  device TEXT PRIMARY KEY, token_sha256 TEXT NOT NULL, online INTEGER NOT NULL, since_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX devices_by_token ON devices (token_sha256);
CREATE TABLE members (user TEXT PRIMARY KEY, role TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE api_keys (
  user TEXT PRIMARY KEY, sha256 TEXT NOT NULL, sid TEXT NOT NULL, expires_at_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE group_content (id TEXT PRIMARY KEY, devices TEXT NOT NULL, members TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE ended_sids (sid TEXT PRIMARY KEY, until_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE sessions (
  key TEXT PRIMARY KEY, principal TEXT NOT NULL, client_id TEXT NOT NULL, socket TEXT,
  disconnected_at_ms INTEGER NOT NULL, will_topic TEXT, will_payload BLOB, will_qos INTEGER, will_retain INTEGER,
  expiry_s INTEGER NOT NULL DEFAULT 0, will_due_at_ms INTEGER, will_properties BLOB
) WITHOUT ROWID;
CREATE TABLE subscriptions (
  key TEXT NOT NULL, text TEXT NOT NULL, qos INTEGER NOT NULL, no_local INTEGER NOT NULL DEFAULT 0,
  retain_as_published INTEGER NOT NULL DEFAULT 0, retain_handling INTEGER NOT NULL DEFAULT 0, identifier INTEGER,
  PRIMARY KEY (key, text)
) WITHOUT ROWID;
CREATE TABLE messages (
  key TEXT NOT NULL, seq INTEGER NOT NULL, packet_id INTEGER, qos INTEGER NOT NULL, retain INTEGER NOT NULL,
  topic TEXT NOT NULL, payload BLOB NOT NULL, properties BLOB, expires_at_ms INTEGER, bytes INTEGER,
  PRIMARY KEY (key, seq)
) WITHOUT ROWID;
CREATE TABLE releases (
  key TEXT NOT NULL, packet_id INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (key, packet_id)
) WITHOUT ROWID;
CREATE TABLE received (
  key TEXT NOT NULL, packet_id INTEGER NOT NULL, PRIMARY KEY (key, packet_id)
) WITHOUT ROWID;
CREATE TABLE retained (
  topic TEXT PRIMARY KEY, device TEXT NOT NULL, qos INTEGER NOT NULL, payload BLOB NOT NULL,
  properties BLOB, expires_at_ms INTEGER, bytes INTEGER
) WITHOUT ROWID;
CREATE TABLE partials (
  socket TEXT NOT NULL, part INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (socket, part)
) WITHOUT ROWID;
CREATE TABLE outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, record TEXT NOT NULL, bytes INTEGER NOT NULL);
CREATE TABLE outbox_parked (
  seq INTEGER PRIMARY KEY, record TEXT NOT NULL, parked_at_ms INTEGER NOT NULL
);
CREATE TABLE journal (id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, data BLOB NOT NULL);
`;

/**
 * From each version to the next; the first is from 1 to 2. A step that was released never changes.
 *
 * 1 → 2: MQTT 5.0. A session that was not clean never ended, which is what 4294967295 seconds say
 * (5.0, section 3.1.2.11.2).
 *
 * 2 → 3: API keys as passwords.
 */
const steps = [
  `
ALTER TABLE sessions ADD COLUMN expiry_s INTEGER NOT NULL DEFAULT 0;
UPDATE sessions SET expiry_s = 4294967295 WHERE clean = 0;
ALTER TABLE sessions DROP COLUMN clean;
ALTER TABLE sessions ADD COLUMN will_due_at_ms INTEGER;
ALTER TABLE sessions ADD COLUMN will_properties BLOB;
ALTER TABLE subscriptions ADD COLUMN no_local INTEGER NOT NULL DEFAULT 0;
ALTER TABLE subscriptions ADD COLUMN retain_as_published INTEGER NOT NULL DEFAULT 0;
ALTER TABLE subscriptions ADD COLUMN retain_handling INTEGER NOT NULL DEFAULT 0;
ALTER TABLE subscriptions ADD COLUMN identifier INTEGER;
ALTER TABLE messages ADD COLUMN properties BLOB;
ALTER TABLE messages ADD COLUMN expires_at_ms INTEGER;
ALTER TABLE messages ADD COLUMN bytes INTEGER;
ALTER TABLE retained ADD COLUMN properties BLOB;
ALTER TABLE retained ADD COLUMN expires_at_ms INTEGER;
ALTER TABLE retained ADD COLUMN bytes INTEGER;
CREATE TABLE journal (id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, data BLOB NOT NULL);
`,
  `
CREATE TABLE api_keys (
  user TEXT PRIMARY KEY, sha256 TEXT NOT NULL, sid TEXT NOT NULL, expires_at_ms INTEGER NOT NULL
) WITHOUT ROWID;
`,
];

const newestVersion = steps.length + 1;

/**
 * Brings the tables to this release's version, in one transaction.
 * @throws when a later release wrote them
 */
export function openSchema(sql: SqlStorage, transaction: (change: () => void) => void): void {
  const version = versionOf(sql);
  if (version === newestVersion) return;
  if (version !== null && version > newestVersion)
    throw new Error(
      `the hub's tables have version ${version}, this release knows ${newestVersion}: deploy a later one`,
    );
  transaction(() => {
    sql.exec("CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID");
    if (version === null) sql.exec(schema);
    else for (const step of steps.slice(version - 1)) sql.exec(step);
    sql.exec("INSERT OR REPLACE INTO meta (key, value) VALUES ('schema', ?)", String(newestVersion));
  });
}

/** Null when there are no tables yet; 1 when there are, from the time before they said which. */
function versionOf(sql: SqlStorage): number | null {
  const [tables] = sql.exec("SELECT count(*) AS n FROM sqlite_master WHERE name = 'sessions'").toArray();
  if (tables?.["n"] === 0) return null;
  const [row] = sql.exec("SELECT value FROM meta WHERE key = 'schema'").toArray();
  return row === undefined ? 1 : Number(row["value"]);
}
