/** What is masked before a text leaves for a provider. Names are words of the placeholders, so letters alone. */
export const personalKinds = ["EMAIL", "UPI", "PHONE", "AADHAAR", "CARD", "PAN", "IFSC", "PERSON"] as const;
export type PersonalKind = (typeof personalKinds)[number];

/** A stretch of a text, in UTF-16 code units: `[start, end)`. */
export interface Finding {
  readonly start: number;
  readonly end: number;
  readonly kind: PersonalKind;
}

/** Characters that no text shows (of no width, joiners, soft hyphens): they part nothing, and hide nothing from us. */
export const unseen = "\\p{Default_Ignorable_Code_Point}";
const everyUnseen = new RegExp(unseen, "gu");

/** A text as it is seen. */
export const seen = (text: string): string => text.replaceAll(everyUnseen, "");
