import { base64url } from "jose";
import type { AuditFields } from "../../core/audit/events.ts";
import { addressOf } from "../../core/audit/facets.ts";
import type { LogName } from "../../core/audit/logs.ts";
import type { UserId } from "../../core/ids.ts";
import { EntryNames, nameOf } from "./entry-names.ts";
import { type EntryRow, readKept, writeSealed } from "./entry-row.ts";
import type { PersonalFields } from "./personal-fields.ts";
import type { SubjectKeys } from "./subject-keys.ts";

/** Rows of one turn: some 0.1 s, for which the log answers nobody else. */
export const sealedPerTurnMax = 1000;

/**
 * What is left to do for personal fields: sealing entries from before they were sealed, and taking the numbers of
 * those who were erased out of the indexes. Neither is needed for a reader to see right, nor is an erased person
 * readable until it is done; both go on in bounded turns wherever they were interrupted. Every method is synchronous.
 */
export class EntrySealing {
  readonly #sql: SqlStorage;
  readonly #keys: SubjectKeys;
  readonly #fields: PersonalFields;
  readonly names: EntryNames;
  /** False while there are entries in clear. Written by the constructor and `sealSome`. */
  #isSealed: boolean;

  constructor(sql: SqlStorage, keys: SubjectKeys, fields: PersonalFields) {
    this.#sql = sql;
    this.#keys = keys;
    this.#fields = fields;
    this.names = new EntryNames(sql, keys, () => !this.#isSealed);
    const isNew =
      sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'sealing'").toArray().length === 0;
    if (isNew) {
      sql.exec(`
        CREATE TABLE sealing (
          id INTEGER PRIMARY KEY CHECK (id = 1), next_seq INTEGER NOT NULL, until_seq INTEGER NOT NULL
        ) STRICT;
        INSERT INTO sealing (id, next_seq, until_seq) SELECT 1, 1, coalesce(max(seq), 0) FROM entries;`);
    }
    this.#isSealed = this.#state().next_seq > this.#state().until_seq;
  }

  /** Whether a turn would do something. */
  hasWork(): boolean {
    return !this.#isSealed || this.#keys.firstDestroyed() !== null;
  }

  /**
   * Seals the next entries that are in clear.
   * @returns true when these were the last: then Postgres is to be told of all of them again
   */
  sealSome(log: LogName): boolean {
    if (this.#isSealed) return false;
    const { next_seq, until_seq } = this.#state();
    const query = "SELECT * FROM entries WHERE seq >= ? AND seq <= ? ORDER BY seq LIMIT ?";
    const rows = this.#sql.exec<EntryRow>(query, next_seq, until_seq, sealedPerTurnMax).toArray();
    for (const row of rows) this.#seal(log, row);
    const next = rows.length < sealedPerTurnMax ? until_seq + 1 : (rows.at(-1)?.seq ?? until_seq) + 1;
    this.#sql.exec("UPDATE sealing SET next_seq = ?", next);
    return next > until_seq;
  }

  /** After a turn was committed. */
  turned(): void {
    const { next_seq, until_seq } = this.#state();
    this.#isSealed = next_seq > until_seq;
  }

  /** Takes numbers of one erased subject out of the indexes. */
  unlinkSome(): void {
    const subject = this.#keys.firstDestroyed();
    if (subject === null) return;
    let rows = 0;
    for (const column of ["actor", "target"] as const) {
      rows += this.#sql
        .exec(
          `UPDATE entries SET ${column} = NULL
         WHERE seq IN (SELECT seq FROM entries WHERE ${column} = ? ORDER BY seq LIMIT ?) RETURNING seq`,
          nameOf(subject),
          sealedPerTurnMax,
        )
        .toArray().length;
    }
    rows += this.#sql
      .exec(
        `DELETE FROM addresses
       WHERE subject = ? AND seq IN (SELECT seq FROM addresses WHERE subject = ? ORDER BY seq LIMIT ?) RETURNING seq`,
        ...[subject, subject, sealedPerTurnMax],
      )
      .toArray().length;
    if (rows === 0) this.#keys.unlinked(subject);
  }

  /** Whether an entry names a person to whoever reads the log. */
  knows(user: UserId): boolean {
    if (this.#keys.find(user) !== null) return true;
    const query = "SELECT 1 FROM entries WHERE actor = ? OR target = ? LIMIT 1";
    return !this.#isSealed && this.#sql.exec(query, user, user).toArray().length > 0;
  }

  /** Takes a person out of entries that are still in clear: there, no key can be destroyed. */
  erasePlain(user: UserId): void {
    if (this.#isSealed) return;
    for (;;) {
      const query = "SELECT * FROM entries WHERE actor = ? OR target = ? LIMIT ?";
      const rows = this.#sql.exec<EntryRow>(query, user, user, sealedPerTurnMax).toArray();
      // Each pass takes its rows out of the next one's query, so this ends.
      for (const row of rows) this.#erasePlainFrom(row, user);
      if (rows.length < sealedPerTurnMax) return;
    }
  }

  #state(): { next_seq: number; until_seq: number } {
    return this.#sql.exec<{ next_seq: number; until_seq: number }>("SELECT next_seq, until_seq FROM sealing").one();
  }

  #seal(log: LogName, row: EntryRow): void {
    const kept = readKept(row.personal);
    if (kept.kind === "sealed") return;
    const fields = Object.entries(kept.personal);
    const values = Object.fromEntries(fields.map(([field, { value }]) => [field, value]));
    const salts = Object.fromEntries(fields.map(([field, { salt }]) => [field, base64url.decode(salt)]));
    const event = { ...(JSON.parse(row.event) as object), ...values } as AuditFields;
    const sealed = this.#fields.seal({ log, seq: row.seq }, event, salts, row.at_ms);
    const { actor, target } = this.names.columns(event);
    const query = "UPDATE entries SET personal = ?, actor = ?, target = ? WHERE seq = ?";
    this.#sql.exec(query, writeSealed(sealed), actor, target, row.seq);
    this.names.addAddress(row.seq, event, sealed);
    this.#removePlainAddress(row.seq, addressOf(event));
  }

  #erasePlainFrom(row: EntryRow, user: UserId): void {
    const kept = readKept(row.personal);
    if (kept.kind === "sealed") return;
    const own = row.actor === user;
    if (own) this.#removePlainAddress(row.seq, kept.personal.ip?.value ?? null);
    const left = Object.entries(kept.personal).filter(
      ([field, { value }]) => value !== user && !(own && (field === "ip" || field === "user_agent")),
    );
    this.#sql.exec(
      "UPDATE entries SET personal = ?, actor = nullif(actor, ?), target = nullif(target, ?) WHERE seq = ?",
      JSON.stringify(Object.fromEntries(left)),
      ...[user, user, row.seq],
    );
  }

  #removePlainAddress(seq: number, address: string | null): void {
    if (address === null) return;
    this.#sql.exec("DELETE FROM facets WHERE facet = 'address' AND value = ? AND seq = ?", address, seq);
  }
}
