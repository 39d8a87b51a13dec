import { dictionary } from "@zxcvbn-ts/language-common";

/**
 * Passwords that guessing tries first (NIST 800-63B-4 §3.1.1.2, ASVS 6.2.4, 6.2.12): some fifty thousand
 * common ones and eight thousand plain words, and these with what people add to make them long enough.
 * A passphrase of several words is none of them.
 */
const listed: ReadonlySet<string> = new Set(
  [...dictionary["passwords-common"], ...dictionary["diceware-common"]].map((word) => word.toLowerCase()),
);

/** Signs that stand for letters in passwords. */
const disguises: Readonly<Record<string, string>> = {
  "0": "o",
  "1": "i",
  "3": "e",
  "4": "a",
  "5": "s",
  "7": "t",
  "@": "a",
  $: "s",
  "!": "i",
};

/** What is not repeated, or one step after the other, must be a password by itself: eight characters, the least that is taken with a second factor. */
const distinctPartMin = 8;
/** Runs (`abcd`, `4321`, `qwer`) of at least so many characters each on average are one idea, not a password. */
const runCharactersMin = 4;

/** True for a password that is on the list, or is one of it behind decoration, disguise, repetition, or a walk over the keys. */
export function isCommon(password: string): boolean {
  const plain = password.normalize("NFKC").toLowerCase();
  return (
    cores(plain).some((core) => listed.has(core) || listed.has(undisguised(core))) ||
    isRepetition(plain) ||
    isRun(plain)
  );
}

/** The text, and what is left of it without digits and signs at its ends (`!!Monsoon2024`). */
function cores(text: string): string[] {
  return [
    text,
    text.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, ""),
    text.replace(/[^\p{L}]+$/u, ""),
    text.replace(/^[^\p{L}]+|[^\p{L}]+$/gu, ""),
  ].filter((core) => core !== "");
}

function undisguised(text: string): string {
  return [...text].map((character) => disguises[character] ?? character).join("");
}

/** One piece over and over (`abcabcabc…`, `hunter2hunter2`); the last time may be cut off. */
function isRepetition(text: string): boolean {
  const characters = [...text];
  for (let period = 1; period * 2 <= characters.length + 1; period += 1) {
    if (!characters.every((character, index) => character === characters[index % period])) continue;
    return period < distinctPartMin || isCommon(characters.slice(0, period).join(""));
  }
  return false;
}

/** Rows of keyboards, the alphabet, the digits; each character's neighbours are one step away. */
const rows = [
  "abcdefghijklmnopqrstuvwxyz",
  "01234567890",
  "qwertyuiop",
  "asdfghjkl",
  "zxcvbnm",
  "qwertzuiop",
  "azertyuiop",
];
const steps: ReadonlySet<string> = new Set(
  rows.flatMap((row) =>
    [...row].slice(1).flatMap((character, index) => [`${row[index]}${character}`, `${character}${row[index]}`]),
  ),
);

function isRun(text: string): boolean {
  const characters = [...text];
  let runs = 1;
  for (const [index, character] of characters.entries()) {
    const before = characters[index - 1];
    if (before !== undefined && before !== character && !steps.has(before + character)) runs += 1;
  }
  return runs < distinctPartMin && runs * runCharactersMin <= characters.length;
}
