/** Who sells and who buys, as an invoice names them. */

/** GST state codes (Census codes; CGST Rules 2017, rule 46 and the GSTIN's first two digits); 96: another country. */
export const statePattern = /^(?:0[1-9]|[12][0-9]|3[0-8]|96|97)$/;
export const abroad = "96";

/** GSTIN: state, PAN, the number of the registration, Z, a check character. */
const gstinPattern = /^[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][1-9A-Z]Z[0-9A-Z]$/;
const gstinAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** True when a GSTIN has its shape and its check character is right: a slip of one character never is. */
export function isGstin(text: string): boolean {
  if (!gstinPattern.test(text)) return false;
  let sum = 0;
  for (let index = 0; index < 14; index += 1) {
    const product = gstinAlphabet.indexOf(text.charAt(index)) * (index % 2 === 0 ? 1 : 2);
    sum += Math.floor(product / 36) + (product % 36);
  }
  return gstinAlphabet.charAt((36 - (sum % 36)) % 36) === text.charAt(14);
}

export interface Buyer {
  readonly name: string;
  readonly address: string;
  /** Null: not registered. */
  readonly gstin: string | null;
  /** The place of supply, a state's code; null: nobody said. */
  readonly state: string | null;
}

export interface Seller {
  readonly name: string;
  readonly address: string;
  /** Null: not registered, so no tax is charged. */
  readonly gstin: string | null;
  readonly state: string;
  /** Where to pay to, as it is printed. */
  readonly bank: string;
}

/** Longest text of a party's field: an address of six lines. */
export const partyCharactersMax = 400;

function textOf(value: unknown, max: number): string | null {
  return typeof value === "string" && value.trim() === value && value !== "" && value.length <= max ? value : null;
}

/**
 * Reads what is configured or stored of a seller; null when a field is missing or is not what it must be, and then
 * nothing is invoiced.
 */
export function parseSeller(value: unknown): Seller | null {
  if (typeof value !== "object" || value === null) return null;
  const given = value as Record<string, unknown>;
  const [name, address, bank] = [textOf(given["name"], 100), textOf(given["address"], 400), textOf(given["bank"], 400)];
  const { gstin = null, state } = given;
  if (name === null || address === null || bank === null) return null;
  if (typeof state !== "string" || !statePattern.test(state)) return null;
  if (gstin === null) return { name, address, bank, state, gstin };
  if (typeof gstin !== "string" || !isGstin(gstin) || gstin.slice(0, 2) !== state) return null;
  return { name, address, bank, state, gstin };
}
