import type { JWK } from "jose";
import type { KeyPurpose } from "../../core/rpc/durable-objects.ts";
import type { ScheduledKey } from "./schedule.ts";

export interface StoredKey extends ScheduledKey {
  readonly purpose: KeyPurpose;
  readonly publicJwk: JWK;
  /** PKCS #8, sealed under the key-encryption key. The only form in which a private half is stored. */
  readonly sealedPrivate: string;
}

type Row = {
  kid: string;
  purpose: KeyPurpose;
  public_jwk: string;
  sealed_private: string;
  signs_from_ms: number | null;
};

/** KeyRing's table. */
export class KeyStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS keys (
      kid TEXT PRIMARY KEY, purpose TEXT NOT NULL, public_jwk TEXT NOT NULL,
      sealed_private TEXT NOT NULL, made_ms INTEGER NOT NULL, signs_from_ms INTEGER
    ) STRICT`);
  }

  /** Keys of one purpose, newest first; one that waits to be published comes before all. */
  list(purpose: KeyPurpose): StoredKey[] {
    const rows = this.#sql.exec<Row>(
      `SELECT kid, purpose, public_jwk, sealed_private, signs_from_ms FROM keys
       WHERE purpose = ? ORDER BY signs_from_ms IS NULL DESC, signs_from_ms DESC, made_ms DESC`,
      purpose,
    );
    return [...rows].map((row) => ({
      kid: row.kid,
      purpose: row.purpose,
      publicJwk: JSON.parse(row.public_jwk) as JWK,
      sealedPrivate: row.sealed_private,
      signsFromMs: row.signs_from_ms,
    }));
  }

  add(key: Omit<StoredKey, "signsFromMs">, nowMs: number): void {
    this.#sql.exec(
      "INSERT INTO keys (kid, purpose, public_jwk, sealed_private, made_ms) VALUES (?, ?, ?, ?, ?)",
      key.kid,
      key.purpose,
      JSON.stringify(key.publicJwk),
      key.sealedPrivate,
      nowMs,
    );
  }

  /** Sets when a published key begins to sign; said once, never moved. */
  publish(kid: string, signsFromMs: number): void {
    this.#sql.exec("UPDATE keys SET signs_from_ms = ? WHERE kid = ? AND signs_from_ms IS NULL", signsFromMs, kid);
  }

  /** Replaces the sealed private half: the same key under another key-encryption key. */
  reseal(kid: string, sealedPrivate: string): void {
    this.#sql.exec("UPDATE keys SET sealed_private = ? WHERE kid = ?", sealedPrivate, kid);
  }

  /** False for one that was forgotten. */
  has(kid: string): boolean {
    return this.#sql.exec("SELECT 1 FROM keys WHERE kid = ?", kid).toArray().length > 0;
  }

  forget(kid: string): void {
    this.#sql.exec("DELETE FROM keys WHERE kid = ?", kid);
  }
}
