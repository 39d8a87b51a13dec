import { headText, originOf } from "../../core/audit/checkpoint.ts";
import type { LogName } from "../../core/audit/logs.ts";
import { keyIdOf, signatureTypes, type Verifier } from "../../core/audit/signed-note.ts";
import { hashBytes, isConsistent } from "../../core/audit/tree.ts";
import type { LogKey } from "../../core/rpc/audit-proofs.ts";
import { sha256 } from "../sha256.ts";
import type { SealedPrivate } from "./sealed-private.ts";

/** A head that a log asks to have signed, and how it follows from the one that was signed before. */
export interface HeadRequest {
  readonly log: LogName;
  readonly size: number;
  readonly root: Uint8Array<ArrayBuffer>;
  /** The size that the log believes was signed last; 0 for none. */
  readonly from: number;
  /** From `from` to `size`; empty from 0. */
  readonly proof: readonly Uint8Array<ArrayBuffer>[];
}
export type HeadAnswer =
  | {
      readonly kind: "signed";
      readonly origin: string;
      readonly keyId: string;
      readonly signature: Uint8Array<ArrayBuffer>;
    }
  /** Another size was signed last: an answer was lost, or the log is not what it was. */
  | { readonly kind: "other_size"; readonly size: number };

/** Hashes in a consistency proof of a tree of 2^53 leaves, amply. */
const proofHashesMax = 128;

type KeyRow = { public_key: ArrayBuffer; sealed_private: string | null; made_ms: number; retired_ms: number | null };
type HeadRow = { origin: string; size: number; root: ArrayBuffer };

/**
 * The key that signs every log's checkpoints. It is not one of the ring's monthly keys: what it signed
 * is believed for years.
 *
 * It signs a head only if a consistency proof leads there from the head that it signed before for that
 * log. So a log that was rolled back or rewritten, by whatever means, can't get a signature here, and
 * two signed checkpoints that contradict each other mean that this very table was tampered with.
 */
export class LogSigner {
  readonly #sql: SqlStorage;
  readonly #sealed: SealedPrivate;
  readonly #issuer: string;
  /** Written only by `#current`. */
  #opened: Promise<{ publicKey: Uint8Array<ArrayBuffer>; privateKey: CryptoKey }> | null = null;

  constructor(sql: SqlStorage, sealed: SealedPrivate, issuer: string) {
    this.#sql = sql;
    this.#sealed = sealed;
    this.#issuer = issuer;
    sql.exec(`
      CREATE TABLE IF NOT EXISTS log_keys (
        public_key BLOB PRIMARY KEY, sealed_private TEXT, made_ms INTEGER NOT NULL, retired_ms INTEGER
      ) STRICT;
      CREATE TABLE IF NOT EXISTS log_heads (
        log TEXT PRIMARY KEY, origin TEXT NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL
      ) STRICT, WITHOUT ROWID;`);
  }

  /** Public halves, newest first. */
  keys(): LogKey[] {
    return this.#keyRows().map((row) => ({
      publicKey: new Uint8Array(row.public_key),
      madeMs: row.made_ms,
      retiredMs: row.retired_ms,
    }));
  }

  /** @throws Error for a head that does not follow from the one signed before */
  async sign(request: HeadRequest): Promise<HeadAnswer> {
    const { log, size, root, from, proof } = request;
    if (!Number.isSafeInteger(size) || size < 1 || root.length !== hashBytes || proof.length > proofHashesMax) {
      throw new Error("not a head of a log");
    }
    const { publicKey, privateKey } = await this.#current();
    // From here to the update nothing is awaited: two calls for one log can't both pass.
    const known = this.#sql.exec<HeadRow>("SELECT origin, size, root FROM log_heads WHERE log = ?", log).toArray()[0];
    const before = known === undefined ? { size: 0, root: sha256() } : { ...known, root: new Uint8Array(known.root) };
    if (from !== before.size || size < before.size) return { kind: "other_size", size: before.size };
    if (!isConsistent(before, { size, root }, proof, sha256)) throw new Error("the log did not only grow");
    // The first name stays, though the deployment may move to another host.
    const origin = known?.origin ?? originOf(this.#issuer, log);
    this.#sql.exec(
      `INSERT INTO log_heads (log, origin, size, root) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET size = excluded.size, root = excluded.root`,
      log,
      origin,
      size,
      root.slice().buffer,
    );
    const verifier: Verifier = { name: origin, type: signatureTypes.ed25519, publicKey };
    const text = new TextEncoder().encode(headText({ origin, size, root }));
    const signature = new Uint8Array(await crypto.subtle.sign("Ed25519", privateKey, text));
    return { kind: "signed", origin, keyId: keyIdOf(verifier, sha256), signature };
  }

  /**
   * Destroys the private half and lets the next signature make a new key. The public half stays among
   * `keys`: checkpoints outlive the key that signed them.
   */
  retire(nowMs: number): void {
    this.#sql.exec("UPDATE log_keys SET sealed_private = NULL, retired_ms = ? WHERE retired_ms IS NULL", nowMs);
    this.#opened = null;
  }

  /** Seals the private half anew if it is under the key-encryption key of before. */
  async reseal(): Promise<void> {
    for (const row of this.#keyRows()) {
      if (row.sealed_private === null) continue;
      const again = await this.#sealed.reseal(keyName(row.public_key), row.sealed_private);
      const query = "UPDATE log_keys SET sealed_private = ? WHERE public_key = ? AND retired_ms IS NULL";
      if (again !== null) this.#sql.exec(query, again, row.public_key);
    }
  }

  /** One at a time: two would each make a key. A failure is not kept. */
  #current(): Promise<{ publicKey: Uint8Array<ArrayBuffer>; privateKey: CryptoKey }> {
    this.#opened ??= this.#open().catch((error: unknown) => {
      this.#opened = null;
      throw error;
    });
    return this.#opened;
  }

  async #open(): Promise<{ publicKey: Uint8Array<ArrayBuffer>; privateKey: CryptoKey }> {
    const row = this.#keyRows().find(({ retired_ms }) => retired_ms === null);
    if (row === undefined || row.sealed_private === null) return await this.#make();
    const pkcs8 = await this.#sealed.open(keyName(row.public_key), row.sealed_private);
    const privateKey = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", false, ["sign"]);
    return { publicKey: new Uint8Array(row.public_key), privateKey };
  }

  async #make(): Promise<{ publicKey: Uint8Array<ArrayBuffer>; privateKey: CryptoKey }> {
    // Extractable only here, between making and sealing.
    const pair = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
    const publicKey = (await crypto.subtle.exportKey("raw", pair.publicKey)) as ArrayBuffer;
    const pkcs8 = new Uint8Array((await crypto.subtle.exportKey("pkcs8", pair.privateKey)) as ArrayBuffer);
    const sealed = await this.#sealed.seal(keyName(publicKey), pkcs8);
    const query = "INSERT INTO log_keys (public_key, sealed_private, made_ms) VALUES (?, ?, ?)";
    this.#sql.exec(query, publicKey, sealed, Date.now());
    const privateKey = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", false, ["sign"]);
    return { publicKey: new Uint8Array(publicKey), privateKey };
  }

  #keyRows(): KeyRow[] {
    const query = `SELECT public_key, sealed_private, made_ms, retired_ms FROM log_keys
      ORDER BY retired_ms IS NULL DESC, retired_ms DESC`;
    return [...this.#sql.exec<KeyRow>(query)];
  }
}

/** Binds a sealed private half to its public one. */
const keyName = (publicKey: ArrayBuffer): string => Buffer.from(publicKey).toString("base64url");
