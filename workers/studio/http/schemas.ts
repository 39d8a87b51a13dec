import { z } from "@hono/zod-openapi";
import { type Id, type IdKind, idPrefixes, parseId, parseSlug } from "../../../core/ids.ts";
import { pageItemsDefault, pageItemsMax } from "../../../core/limits.ts";
import { roles } from "../../../core/tenancy/roles.ts";

// Objects are strict: a field that is not known is refused, not dropped (ASVS 15.3.3). Strings are
// bounded before anything else looks at them. NUL is refused for all of them at once (parse-input.ts).

/** An identifier of one kind, typed. */
export function idOf<K extends IdKind>(kind: K): z.ZodType<Id<K>, string> {
  return z
    .string()
    .max(40)
    .refine((text) => parseId(kind, text) !== null, `must be an identifier that begins with ${idPrefixes[kind]}_`)
    .transform((text) => text as Id<K>)
    .openapi({ type: "string", pattern: `^${idPrefixes[kind]}_[0-7][0-9a-hjkmnp-tv-z]{25}$` });
}

/** A name that people give to something: 1–`max` characters, no controls, not blank at its ends. */
export function nameOf(max: number) {
  return z
    .string()
    .min(1)
    .max(max)
    .refine((text) => text.trim() === text && text !== "", "must not begin or end with blanks")
    .refine((text) => !/\p{Cc}/u.test(text), "must not hold control characters");
}

/** Longest address (RFC 5321 §4.5.3.1.3, erratum 1690). */
const emailCharactersMax = 254;

/**
 * An e-mail address, normalised to lower case: the few providers that tell case apart are not worth two
 * accounts with one address. Whether it exists is the mail's to prove.
 */
export const email = z
  .string()
  .max(emailCharactersMax + 2)
  .transform((text) => text.trim().normalize("NFC").toLowerCase())
  .refine(
    (text) =>
      text.length <= emailCharactersMax &&
      /^[^\s@<>"(),:;\\[\]\p{Cc}]{1,64}@[^\s@<>"(),:;\\[\]\p{Cc}]+\.[^\s@.<>"(),:;\\[\]\p{Cc}]+$/u.test(text),
    "must be an e-mail address",
  )
  .openapi({ type: "string", format: "email", maxLength: emailCharactersMax });

/** A secret of ours as a client sends it back: checked in full by its hash, so only the size counts here. */
export const opaqueSecret = z.string().min(1).max(512);

/** An organisation that the operator names: by id or by slug. */
export const orgReference = z
  .string()
  .max(40)
  .refine((text) => parseId("org", text) !== null || parseSlug(text) !== null, "must be an organisation's id or slug");

export const role = z.enum(roles);
export const instant = z.string().openapi({ format: "date-time" });
/** An identifier in an answer. */
export const idText = z.string();

export const pageQuery = z.strictObject({
  limit: z
    .string()
    .regex(/^[1-9][0-9]{0,2}$/)
    .transform(Number)
    .refine((limit) => limit <= pageItemsMax, `must be at most ${pageItemsMax}`)
    .optional()
    .openapi({ type: "integer", minimum: 1, maximum: pageItemsMax, default: pageItemsDefault }),
  cursor: z.string().min(1).max(2048).optional(),
});
export type PageQuery = z.output<typeof pageQuery>;

export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), next_cursor: z.string().nullable() });
}

/** The body of a 204. */
export const nothing = z.null();
