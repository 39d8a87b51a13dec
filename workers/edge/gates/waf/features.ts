/**
 * Which of the characters that attacks need a text has, as bits. Most honest texts have few of them, and a rule
 * that needs another is not tried.
 */

/** `0` stands for any digit, `-` for `+`, `~` and `^` too. */
const featureCharacters = "\"'<>(){}[]$%&|;:=/\\.,#@*`!?-\n0";

const bits = new Uint32Array(128);
for (const [index, character] of [...featureCharacters].entries()) bits[character.charCodeAt(0)] = (1 << index) >>> 0;
// Signs that calculate share a bit: there are more characters than bits.
for (const character of "+~^") bits[character.charCodeAt(0)] = bits[0x2d] as number;
for (let digit = 0x31; digit <= 0x39; digit += 1) bits[digit] = bits[0x30] as number;

/** The bits of all listed characters that a text has; one pass. */
export function featuresOf(text: string): number {
  let features = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 128) features |= bits[code] as number;
  }
  return features;
}

/**
 * The masks of a rule's `needs`.
 * @throws Error for a character that is not a feature
 */
export function masksOf(needs: readonly string[]): number[] {
  return needs.map((any) =>
    [...any].reduce((mask, character) => {
      const bit = bits[character.charCodeAt(0)] ?? 0;
      if (bit === 0) throw new Error(`${character} is not a feature`);
      return mask | bit;
    }, 0),
  );
}
