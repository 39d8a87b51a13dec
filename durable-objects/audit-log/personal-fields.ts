import { createCipheriv, createDecipheriv } from "node:crypto";
import type { AuditFields } from "../../core/audit/events.ts";
import type { PersonalField, Salts } from "../../core/audit/leaf.ts";
import { fieldsBySubject } from "../../core/audit/subjects.ts";
import type { SealedFields } from "../../core/rpc/data.ts";
import type { SubjectKeys } from "./subject-keys.ts";

/** Names the format and, as additional data, keeps what is sealed at its place. */
const format = "p1";
/** Random, 96 bits: SP 800-38D allows 2^32 messages under one key, and a whole log holds ten million entries. */
const nonceBytes = 12;
const macBytes = 16;

/** Where something is sealed: it opens nowhere else. */
export interface Place {
  readonly log: string;
  readonly seq: number;
}

/** Value and salt (base64url) of each personal field. */
export type Personal = Partial<Record<PersonalField, { readonly value: string; readonly salt: string }>>;

/**
 * Personal values and their salts, sealed for whose they are: AES-256-GCM under the subject's key. Synchronous, because
 * an entry's number is its place.
 */
export class PersonalFields {
  readonly #keys: SubjectKeys;

  constructor(keys: SubjectKeys) {
    this.#keys = keys;
  }

  /** @param atMs when the entry was written, Unix milliseconds */
  seal(place: Place, event: AuditFields, salts: Salts, atMs: number): SealedFields[] {
    const values = event as unknown as Readonly<Record<PersonalField, string>>;
    return fieldsBySubject(event).map(({ subject, fields }) => {
      const { number, key } = this.#keys.of(subject, atMs);
      const own = fields.map((field) => {
        const salt = salts[field];
        if (salt === undefined) throw new Error(`no salt for ${field}`);
        return [field, { value: values[field], salt: Buffer.from(salt).toString("base64url") }];
      });
      const nonce = crypto.getRandomValues(new Uint8Array(nonceBytes));
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(boundTo(place, number));
      const sealed = [cipher.update(JSON.stringify(Object.fromEntries(own)), "utf8"), cipher.final()];
      const bytes = Buffer.concat([nonce, ...sealed, cipher.getAuthTag()]);
      return { subject: number, sealed: `${format}.${bytes.toString("base64url")}` };
    });
  }

  /**
   * What can still be opened; of a subject whose key is destroyed, nothing.
   * @throws Error for what was not sealed here
   */
  open(place: Place, sealed: readonly SealedFields[]): Personal {
    return Object.assign({}, ...sealed.map((fields) => this.#open(place, fields))) as Personal;
  }

  #open(place: Place, { subject, sealed }: SealedFields): Personal {
    const key = this.#keys.byNumber(subject);
    if (key === null) return {};
    const [name, text = ""] = sealed.split(".");
    const bytes = Buffer.from(text, "base64url");
    if (name !== format || bytes.length < nonceBytes + macBytes) throw new Error("not sealed personal fields");
    const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, nonceBytes))
      .setAAD(boundTo(place, subject))
      .setAuthTag(bytes.subarray(-macBytes));
    const opened = Buffer.concat([decipher.update(bytes.subarray(nonceBytes, -macBytes)), decipher.final()]);
    return JSON.parse(opened.toString("utf8")) as Personal;
  }
}

const boundTo = ({ log, seq }: Place, subject: number): Buffer =>
  Buffer.from(JSON.stringify([format, log, seq, subject]));
