const slugCharactersMax = 40;

/** A slug made of a name: accents dropped, all else that is not a–z or 0–9 one hyphen. */
export function suggestSlug(name: string): string {
  return name
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, slugCharactersMax)
    .replace(/^-+|-+$/g, "");
}
