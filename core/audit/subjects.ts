/**
 * Whose a personal value is. What is sealed for a subject is unreadable, wherever a copy lies, once the subject's key
 * is destroyed (ADR 33).
 */
import type { AuditFields } from "./events.ts";
import { actorOf } from "./facets.ts";
import { committedFields, type PersonalField } from "./leaf.ts";

/** A person, or somebody of whom nothing is known but an address: '' when not even that. */
export type Subject =
  | { readonly kind: "person"; readonly user: string }
  | { readonly kind: "stranger"; readonly address: string };

export interface OwnFields {
  readonly subject: Subject;
  readonly fields: readonly PersonalField[];
}

/**
 * The personal fields of an event that hold something, by whose they are: an identifier is its person's; address and
 * user agent are the actor's, or a stranger's where nobody is known.
 */
export function fieldsBySubject(event: AuditFields): OwnFields[] {
  const values = event as unknown as Readonly<Record<PersonalField, string>>;
  const actor = actorOf(event);
  const own = new Map<string, { subject: Subject; fields: PersonalField[] }>();
  for (const field of committedFields(event)) {
    const user = field === "ip" || field === "user_agent" ? actor : values[field];
    const known = own.get(user ?? "");
    if (known !== undefined) known.fields.push(field);
    else {
      const subject: Subject =
        user === null ? { kind: "stranger", address: values.ip ?? "" } : { kind: "person", user };
      own.set(user ?? "", { subject, fields: [field] });
    }
  }
  return [...own.values()];
}
