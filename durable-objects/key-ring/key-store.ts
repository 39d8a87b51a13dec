import type { JWK } from "jose";
import type { ScheduledKey } from "./schedule.ts";

/** `access` signs people's tokens, `mesh` signs isolates' certificates: neither can pass for the other. */
export const keyPurposes = ["access", "mesh"] as const;
export type KeyPurpose = (typeof keyPurposes)[number];

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

  forget(kid: string): void {
    this.#sql.exec("DELETE FROM keys WHERE kid = ?", kid);
  }
}
