/** Who takes reports of vulnerabilities, and until when that is certain (RFC 9116). */
export interface SecurityContact {
  /** `mailto:`, `https:` or `tel:` addresses, the preferred one first. */
  readonly contacts: readonly string[];
  readonly expiresAtMs: number;
}

/** Longest address of a contact; and how many. */
const contactCharactersMax = 254;
const contactsMax = 5;

/**
 * Parses SECURITY_CONTACT (addresses, separated by spaces) and SECURITY_EXPIRES (RFC 3339).
 * @returns null when neither is set
 * @throws RangeError when one is missing or is none: a wrong address for reports is worse than none
 */
export function parseSecurityContact(contact: unknown, expires: unknown): SecurityContact | null {
  if ((contact ?? "") === "" && (expires ?? "") === "") return null;
  if (typeof contact !== "string" || typeof expires !== "string")
    throw new RangeError("SECURITY_CONTACT and SECURITY_EXPIRES are texts");
  const contacts = contact.split(" ").filter((address) => address !== "");
  if (contacts.length === 0 || contacts.length > contactsMax || !contacts.every(isContact))
    throw new RangeError("SECURITY_CONTACT is mailto:, https: or tel: addresses");
  const expiresAtMs = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(expires) ? Date.parse(expires) : Number.NaN;
  if (Number.isNaN(expiresAtMs)) throw new RangeError("SECURITY_EXPIRES is a time like 2027-06-30T00:00:00Z");
  return { contacts, expiresAtMs };
}

/** RFC 9116 section 2.5.3: a URI, of the web by https alone. No space or control character can be in it. */
function isContact(address: string): boolean {
  return (
    address.length <= contactCharactersMax && /^(?:mailto:[^@\s]+@[^@\s]+|https:\/\/\S+|tel:\+[\d-]+)$/.test(address)
  );
}

/**
 * The file, or null where there is none to be relied on: nothing configured, or expired (section 2.5.5: such a
 * file must not be used, so it is not shown).
 * @param canonical its own address
 */
export function securityTxt(contact: SecurityContact | null, canonical: string, nowMs: number): string | null {
  if (contact === null || nowMs >= contact.expiresAtMs) return null;
  const lines = [
    ...contact.contacts.map((address) => `Contact: ${address}`),
    `Expires: ${new Date(contact.expiresAtMs).toISOString()}`,
    "Preferred-Languages: en",
    `Canonical: ${canonical}`,
  ];
  return `${lines.join("\n")}\n`;
}
