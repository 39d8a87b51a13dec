/** Reading the organisation out of an enrolment code, so that its own geo policy judges the request. */
import { type OrgSlug, parseSlug } from "../../core/ids.ts";

/** A code is a slug, a hyphen and some 20 characters; anything longer is not one. */
const codeCharactersMax = 128;

/** Trims it; null when it can't be an enrolment code. */
export function parseEnrollmentCode(text: string): string | null {
  const code = text.trim();
  return code.length <= codeCharactersMax && /^[A-Za-z0-9]+(?:-[A-Za-z0-9]+)+$/.test(code) ? code : null;
}

/**
 * The slug in front of the secret: its last 20 characters, whole or in groups. A slug may hold
 * hyphens and look like a group, so the secret is measured from the end; null when that is unclear.
 */
export function slugOfCode(code: string): OrgSlug | null {
  const groups = code.split("-");
  let characters = 0;
  while (characters < 20) {
    const group = groups.pop();
    if (group === undefined || group.length === 0) return null;
    characters += group.length;
  }
  return characters === 20 ? parseSlug(groups.join("-")) : null;
}

export function enrollPath(code: string): string {
  const slug = slugOfCode(code);
  return slug === null ? "/api/v1/enroll" : `/api/v1/orgs/${slug}/enroll`;
}
