import { parseId } from "../../../../../../core/ids.ts";

/** What whoever erases has to write: it is not done by a click too many. */
export const erasureWords = "erase for good";

/** The id of whom to erase, once it is one and the words stand beside it; null until then. */
export function confirmedErasure(user: string, words: string): string | null {
  if (words.trim().toLowerCase() !== erasureWords) return null;
  return parseId("user", user.trim());
}
