import { createHmac } from "node:crypto";
import type { Subject } from "../../core/audit/subjects.ts";
import type { UserId } from "../../core/ids.ts";

/** Bytes of a subject's key: AES-256. */
const keyBytes = 32;
/** Bytes of a tag, 128 bits: two things of one log have the same with a probability of 2^-80 at ten million. */
const tagBytes = 16;
/** Subjects whose keys are in memory at once; a log's busy ones are fewer. */
const cachedMax = 1000;

/**
 * Strangers of one month share so many keys, by their addresses: as many as they like could otherwise make us store a
 * key each.
 */
export const strangerBuckets = 64;
/**
 * What strangers left (addresses and user agents of attempts that nobody's account is behind) is readable for so many
 * months behind the one it was left in: a year for whoever looks into an attack, and a month to begin.
 */
export const strangerMonths = 13;

/** A subject's number is never given to another. */
export interface SubjectKey {
  readonly number: number;
  readonly key: Uint8Array;
}

type Row = { subject: number; key: ArrayBuffer };

/**
 * The keys of those whom a log names, one each, and the log's own key of its indexes. Destroying a row makes unreadable
 * whatever it sealed, wherever that lies. Every method is synchronous, so callers make it one transaction with whatever
 * else they write; whose transaction failed calls {@link forget}.
 */
export class SubjectKeys {
  readonly #sql: SqlStorage;
  readonly #indexKey: Uint8Array;
  /** By tag. Written by `of` and `find`, emptied by `forget`. */
  readonly #byTag = new Map<string, SubjectKey>();
  /** By number. Written by `byNumber`, emptied by `forget`. */
  readonly #byNumber = new Map<number, Uint8Array>();
  /** Tags of people that were asked for. Written by `#tagOf`. */
  readonly #tags = new Map<string, string>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`
      CREATE TABLE IF NOT EXISTS subjects (
        subject INTEGER PRIMARY KEY, tag TEXT NOT NULL UNIQUE, key BLOB NOT NULL, expires_ms INTEGER
      ) STRICT;
      CREATE INDEX IF NOT EXISTS subjects_by_end ON subjects (expires_ms) WHERE expires_ms IS NOT NULL;
      CREATE TABLE IF NOT EXISTS destroyed (subject INTEGER PRIMARY KEY) STRICT;
      CREATE TABLE IF NOT EXISTS index_key (
        id INTEGER PRIMARY KEY CHECK (id = 1), key BLOB NOT NULL, last_subject INTEGER NOT NULL
      ) STRICT;`);
    const query = "INSERT INTO index_key (id, key, last_subject) VALUES (1, ?, 0) ON CONFLICT DO NOTHING";
    sql.exec(query, crypto.getRandomValues(new Uint8Array(keyBytes)).buffer);
    this.#indexKey = new Uint8Array(sql.exec<{ key: ArrayBuffer }>("SELECT key FROM index_key").one().key);
  }

  /** What stands for a text in an index of this log: nobody can tell which text it is, but by the log's key. */
  tag(purpose: "address" | "repeat" | "watched" | "person" | "stranger", text: string): string {
    const mac = createHmac("sha256", this.#indexKey).update(`${purpose}\0${text}`).digest();
    return mac.subarray(0, tagBytes).toString("base64url");
  }

  /** The key of a subject, which is made if there is none. @param atMs of what is to be sealed, Unix milliseconds */
  of(subject: Subject, atMs: number): SubjectKey {
    const { tag, expiresMs } = this.#tagOf(subject, atMs);
    const known = this.#read(tag);
    if (known !== null) return known;
    const query = "UPDATE index_key SET last_subject = last_subject + 1 RETURNING last_subject";
    const number = this.#sql.exec<{ last_subject: number }>(query).one().last_subject;
    const key = crypto.getRandomValues(new Uint8Array(keyBytes));
    const insert = "INSERT INTO subjects (subject, tag, key, expires_ms) VALUES (?, ?, ?, ?)";
    this.#sql.exec(insert, number, tag, key.buffer, expiresMs);
    return this.#remember(tag, { number, key });
  }

  /** The number of a person whom the log knows; null otherwise. */
  find(user: string): number | null {
    return this.#read(this.#tagOf({ kind: "person", user }, 0).tag)?.number ?? null;
  }

  /** A subject's key; null once it is destroyed. */
  byNumber(number: number): Uint8Array | null {
    const known = this.#byNumber.get(number);
    if (known !== undefined) return known;
    const row = this.#sql.exec<{ key: ArrayBuffer }>("SELECT key FROM subjects WHERE subject = ?", number).toArray()[0];
    if (row === undefined) return null;
    const key = new Uint8Array(row.key);
    if (this.#byNumber.size >= cachedMax) this.#byNumber.clear();
    this.#byNumber.set(number, key);
    return key;
  }

  /** Destroys a person's key, if there is one. */
  destroy(user: UserId): void {
    const number = this.find(user);
    if (number !== null) this.#destroy(number);
  }

  /** Destroys the keys of strangers whose months are over. */
  expire(nowMs: number): void {
    const query = "SELECT subject FROM subjects WHERE expires_ms <= ?";
    for (const { subject } of this.#sql.exec<{ subject: number }>(query, nowMs).toArray()) this.#destroy(subject);
  }

  nextExpiryMs(): number | null {
    const query = "SELECT min(expires_ms) AS due FROM subjects WHERE expires_ms IS NOT NULL";
    return this.#sql.exec<{ due: number | null }>(query).one().due;
  }

  /** A destroyed subject whose number still stands in indexes; null when there is none. */
  firstDestroyed(): number | null {
    const query = "SELECT subject FROM destroyed ORDER BY subject LIMIT 1";
    return this.#sql.exec<{ subject: number }>(query).toArray()[0]?.subject ?? null;
  }

  /** Nothing names it any more. */
  unlinked(number: number): void {
    this.#sql.exec("DELETE FROM destroyed WHERE subject = ?", number);
  }

  /** Forgets what is in memory: it may be of a transaction that never was. */
  forget(): void {
    this.#byTag.clear();
    this.#byNumber.clear();
  }

  #destroy(number: number): void {
    // Written over first: a row that is only deleted lies in its page until another takes its place.
    this.#sql.exec("UPDATE subjects SET key = zeroblob(?) WHERE subject = ?", keyBytes, number);
    this.#sql.exec("DELETE FROM subjects WHERE subject = ?", number);
    this.#sql.exec("INSERT INTO destroyed (subject) VALUES (?) ON CONFLICT DO NOTHING", number);
    this.forget();
    this.#tags.clear();
  }

  #read(tag: string): SubjectKey | null {
    const known = this.#byTag.get(tag);
    if (known !== undefined) return known;
    const row = this.#sql.exec<Row>("SELECT subject, key FROM subjects WHERE tag = ?", tag).toArray()[0];
    return row === undefined ? null : this.#remember(tag, { number: row.subject, key: new Uint8Array(row.key) });
  }

  #remember(tag: string, key: SubjectKey): SubjectKey {
    if (this.#byTag.size >= cachedMax) this.#byTag.clear();
    this.#byTag.set(tag, key);
    return key;
  }

  #tagOf(subject: Subject, atMs: number): { tag: string; expiresMs: number | null } {
    if (subject.kind === "person") {
      const known = this.#tags.get(subject.user);
      if (known !== undefined) return { tag: known, expiresMs: null };
      const tag = this.tag("person", subject.user);
      if (this.#tags.size >= cachedMax) this.#tags.clear();
      this.#tags.set(subject.user, tag);
      return { tag, expiresMs: null };
    }
    const month = new Date(atMs);
    const of = createHmac("sha256", this.#indexKey).update(`bucket\0${subject.address}`).digest();
    const bucket = (of[0] ?? 0) % strangerBuckets;
    const expiresMs = Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + 1 + strangerMonths);
    return { tag: this.tag("stranger", `${expiresMs}\0${bucket}`), expiresMs };
  }
}
