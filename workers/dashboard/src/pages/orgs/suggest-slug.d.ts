/** A slug made of a name: accents dropped, all else that is not a–z or 0–9 one hyphen. */
export declare function suggestSlug(name: string): string;
