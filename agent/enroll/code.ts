/** Which path an enrolment code goes to: its organisation's own, so that its geo policy judges the request. */
import { enrollmentCodeCharactersMax, parseEnrollmentCode } from "../../core/tenancy/enrollment-code.ts";

/** Trims it; null when it can't be an enrolment code of this or any later form. */
export function readEnrollmentCode(text: string): string | null {
  const code = text.trim();
  return code.length <= enrollmentCodeCharactersMax && /^[A-Za-z0-9]+(?:[- ]+[A-Za-z0-9]+)+$/.test(code) ? code : null;
}

/** The organisation's path, or the general one for a code of a form that this agent doesn't know. */
export function enrollPath(code: string): string {
  const parsed = parseEnrollmentCode(code);
  return parsed === null ? "/api/v1/enroll" : `/api/v1/orgs/${parsed.slug}/enroll`;
}
