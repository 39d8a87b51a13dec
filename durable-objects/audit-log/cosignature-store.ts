import type { NoteSignature } from "../../core/audit/signed-note.ts";
import type { CosignAnswer } from "../../core/rpc/audit-proofs.ts";

/** Cosignatures of one checkpoint: a note has 16 lines, the first is the log's own. */
const cosignaturesMax = 15;
/** Witnesses whose last cosignature is told: more than an organisation has, those it had before among them. */
const witnessesToldMax = 16;

export interface Cosignature {
  /** The witness's key, `name+id+key`. */
  readonly verifier: string;
  readonly size: number;
  readonly line: NoteSignature;
  /** By the witness's clock, Unix seconds. */
  readonly cosignedSeconds: number;
}

type Row = {
  verifier: string;
  name: string;
  key_id: string;
  size: number;
  signature: ArrayBuffer;
  cosigned_s: number;
};

/**
 * What witnesses signed of one log, for ever, like the checkpoints they stand under: some 250 bytes each, at most
 * one for each witness and checkpoint. A witness that signs the same checkpoint again replaces its own line.
 */
export class CosignatureStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`
      CREATE TABLE IF NOT EXISTS cosignatures (
        size INTEGER NOT NULL, verifier TEXT NOT NULL, name TEXT NOT NULL, key_id TEXT NOT NULL,
        signature BLOB NOT NULL, cosigned_s INTEGER NOT NULL, PRIMARY KEY (size, verifier)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS cosignatures_verifier ON cosignatures (verifier, size);`);
  }

  /** Lines under the checkpoint of this size, in one order for everybody. */
  linesOf(size: number): NoteSignature[] {
    return this.#of(size).map(({ line }) => line);
  }

  /** The newest of each witness, the latest first. */
  latest(): Cosignature[] {
    const query = `SELECT c.* FROM cosignatures c
      JOIN (SELECT verifier, max(size) AS size FROM cosignatures GROUP BY verifier) l USING (verifier, size)
      ORDER BY c.cosigned_s DESC, c.verifier LIMIT ${witnessesToldMax}`;
    return [...this.#sql.exec<Row>(query)].map(cosignature);
  }

  /** Keeps what was verified, in the caller's transaction, unless the witness has signed something later. */
  keep({ verifier, size, line, cosignedSeconds }: Cosignature): Extract<CosignAnswer, "kept" | "older" | "no_room"> {
    const query = "SELECT * FROM cosignatures WHERE verifier = ? ORDER BY size DESC LIMIT 1";
    const last = this.#sql.exec<Row>(query, verifier).toArray()[0];
    if (last !== undefined && (size < last.size || (size === last.size && cosignedSeconds < last.cosigned_s)))
      return "older";
    // Two keys may share a name and, ground for it, an id: then neither line of the note could be verified.
    const others = this.#of(size).filter((other) => other.verifier !== verifier);
    if (others.length >= cosignaturesMax || others.some((other) => other.line.name === line.name)) return "no_room";
    this.#sql.exec(
      `INSERT INTO cosignatures (size, verifier, name, key_id, signature, cosigned_s) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET signature = excluded.signature, cosigned_s = excluded.cosigned_s`,
      size,
      verifier,
      line.name,
      line.keyId,
      line.signature.slice().buffer,
      cosignedSeconds,
    );
    return "kept";
  }

  #of(size: number): Cosignature[] {
    const query = "SELECT * FROM cosignatures WHERE size = ? ORDER BY verifier";
    return [...this.#sql.exec<Row>(query, size)].map(cosignature);
  }
}

function cosignature(row: Row): Cosignature {
  const line = { name: row.name, keyId: row.key_id, signature: new Uint8Array(row.signature) };
  return { verifier: row.verifier, size: row.size, line, cosignedSeconds: row.cosigned_s };
}
