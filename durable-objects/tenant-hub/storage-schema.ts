/**
 * The hub's tables. Everything a client was promised lives here; the broker's memory is a copy of it
 * without the payloads, rebuilt when the object wakes.
 */
export const schema = `
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS devices (
  device TEXT PRIMARY KEY, token_sha256 TEXT NOT NULL, online INTEGER NOT NULL, since_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS devices_by_token ON devices (token_sha256);
CREATE TABLE IF NOT EXISTS members (user TEXT PRIMARY KEY, role TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS group_content (id TEXT PRIMARY KEY, devices TEXT NOT NULL, members TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ended_sids (sid TEXT PRIMARY KEY, until_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sessions (
  key TEXT PRIMARY KEY, principal TEXT NOT NULL, client_id TEXT NOT NULL, clean INTEGER NOT NULL, socket TEXT,
  disconnected_at_ms INTEGER NOT NULL, will_topic TEXT, will_payload BLOB, will_qos INTEGER, will_retain INTEGER
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS subscriptions (
  key TEXT NOT NULL, text TEXT NOT NULL, qos INTEGER NOT NULL, PRIMARY KEY (key, text)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS messages (
  key TEXT NOT NULL, seq INTEGER NOT NULL, packet_id INTEGER, qos INTEGER NOT NULL, retain INTEGER NOT NULL,
  topic TEXT NOT NULL, payload BLOB NOT NULL, PRIMARY KEY (key, seq)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS releases (
  key TEXT NOT NULL, packet_id INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (key, packet_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS received (
  key TEXT NOT NULL, packet_id INTEGER NOT NULL, PRIMARY KEY (key, packet_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS retained (
  topic TEXT PRIMARY KEY, device TEXT NOT NULL, qos INTEGER NOT NULL, payload BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS partials (
  socket TEXT NOT NULL, part INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (socket, part)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, record TEXT NOT NULL, bytes INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS outbox_parked (
  seq INTEGER PRIMARY KEY, record TEXT NOT NULL, parked_at_ms INTEGER NOT NULL
);
`;
