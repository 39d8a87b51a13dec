import type { AuditFields } from "../../core/audit/events.ts";
import { actorOf, addressOf, targetOf } from "../../core/audit/facets.ts";
import { parseId } from "../../core/ids.ts";
import type { SealedFields } from "../../core/rpc/data.ts";
import type { IndexNames } from "./entry-search.ts";
import type { SubjectKeys } from "./subject-keys.ts";

/** What no row is indexed by. */
const nobody = "#0";

/** What a person's number looks like in an index; a device's id begins otherwise. */
export const nameOf = (subject: number): string => `#${subject}`;

/** What entries are indexed by instead of identifiers and addresses. */
export class EntryNames implements IndexNames {
  readonly #sql: SqlStorage;
  readonly #keys: SubjectKeys;
  /** Whether entries from before they were sealed may be there still. */
  readonly #hasPlain: () => boolean;

  constructor(sql: SqlStorage, keys: SubjectKeys, hasPlain: () => boolean) {
    this.#sql = sql;
    this.#keys = keys;
    this.#hasPlain = hasPlain;
  }

  who(id: string): readonly string[] {
    if (parseId("user", id) === null) return [id];
    const subject = this.#keys.find(id);
    const sealed = subject === null ? nobody : nameOf(subject);
    return this.#hasPlain() ? [sealed, id] : [sealed];
  }

  address(address: string): { tag: string; plain: string | null } {
    return { tag: this.#keys.tag("address", address), plain: this.#hasPlain() ? address : null };
  }

  /** Who did it and to whom, as columns of the entry; whoever is a person has a key by now, for it was just sealed. */
  columns(event: AuditFields): { actor: string | null; target: string | null } {
    const one = (id: string | null): string | null => {
      if (id === null || parseId("user", id) === null) return id;
      const subject = this.#keys.find(id);
      return subject === null ? null : nameOf(subject);
    };
    return { actor: one(actorOf(event)), target: one(targetOf(event)) };
  }

  /** Makes an entry findable by its address. @param sealed its sealed fields; a stranger's are the last of them */
  addAddress(seq: number, event: AuditFields, sealed: readonly SealedFields[]): void {
    const address = addressOf(event);
    const actor = actorOf(event);
    if (address === null) return;
    const subject = actor === null ? sealed.at(-1)?.subject : this.#keys.find(actor);
    if (subject === null || subject === undefined) return;
    const query = "INSERT INTO addresses (subject, seq, tag) VALUES (?, ?, ?) ON CONFLICT DO NOTHING";
    this.#sql.exec(query, subject, seq, this.#keys.tag("address", address));
  }
}
