/** A signed checkpoint as it is kept: the note follows from it. */
export interface StoredCheckpoint {
  readonly size: number;
  readonly root: Uint8Array<ArrayBuffer>;
  /** Lower-case hex, 4 bytes. */
  readonly keyId: string;
  readonly signature: Uint8Array<ArrayBuffer>;
  readonly signedMs: number;
}

type Row = { size: number; root: ArrayBuffer; key_id: string; signature: ArrayBuffer; signed_ms: number };

/** Every checkpoint of one log, for ever: some 150 bytes each, at most one a minute and one for 1,000 entries. */
export class CheckpointStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`
      CREATE TABLE IF NOT EXISTS checkpoints (
        size INTEGER PRIMARY KEY, root BLOB NOT NULL, key_id TEXT NOT NULL, signature BLOB NOT NULL,
        signed_ms INTEGER NOT NULL
      ) STRICT;
      CREATE TABLE IF NOT EXISTS log_origin (id INTEGER PRIMARY KEY CHECK (id = 1), origin TEXT NOT NULL) STRICT;`);
  }

  /** The log's name in its checkpoints; null before the first. */
  origin(): string | null {
    return this.#sql.exec<{ origin: string }>("SELECT origin FROM log_origin").toArray()[0]?.origin ?? null;
  }

  latest(): StoredCheckpoint | null {
    return stored(this.#sql.exec<Row>("SELECT * FROM checkpoints ORDER BY size DESC LIMIT 1").toArray()[0]);
  }

  /** The checkpoint of exactly this size; null when none was made. */
  at(size: number): StoredCheckpoint | null {
    return stored(this.#sql.exec<Row>("SELECT * FROM checkpoints WHERE size = ?", size).toArray()[0]);
  }

  /** Entries under the newest checkpoint; 0 before the first. */
  latestSize(): number {
    return this.#sql.exec<{ size: number }>("SELECT coalesce(max(size), 0) AS size FROM checkpoints").one().size;
  }

  /** When the oldest checkpoint of more entries than this was made, Unix milliseconds; null when there is none. */
  signedAfter(size: number): number | null {
    const query = "SELECT signed_ms FROM checkpoints WHERE size > ? ORDER BY size LIMIT 1";
    return this.#sql.exec<{ signed_ms: number }>(query, size).toArray()[0]?.signed_ms ?? null;
  }

  /** Keeps a checkpoint. One of the same size is the same one, signed again: its answer was lost. */
  add(origin: string, { size, root, keyId, signature, signedMs }: StoredCheckpoint): void {
    this.#sql.exec("INSERT INTO log_origin (id, origin) VALUES (1, ?) ON CONFLICT DO NOTHING", origin);
    if (this.origin() !== origin) throw new Error("a log keeps its name");
    this.#sql.exec(
      `INSERT INTO checkpoints (size, root, key_id, signature, signed_ms) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
      size,
      root.buffer,
      keyId,
      signature.buffer,
      signedMs,
    );
  }
}

function stored(row: Row | undefined): StoredCheckpoint | null {
  if (row === undefined) return null;
  return {
    size: row.size,
    root: new Uint8Array(row.root),
    keyId: row.key_id,
    signature: new Uint8Array(row.signature),
    signedMs: row.signed_ms,
  };
}
