/** What is masked before a text leaves for a provider. Names are words of the placeholders, so letters alone. */
export const personalKinds = ["EMAIL", "UPI", "PHONE", "AADHAAR", "CARD", "PAN", "IFSC", "PERSON"] as const;
export type PersonalKind = (typeof personalKinds)[number];

/** A stretch of a text, in UTF-16 code units: `[start, end)`. */
export interface Finding {
  readonly start: number;
  readonly end: number;
  readonly kind: PersonalKind;
}

/** True where a letter, mark or digit of any script stands: what a word consists of. */
export const isWordCharacter = (character: string | undefined): boolean =>
  character !== undefined && /[\p{L}\p{M}\p{N}]/u.test(character);
