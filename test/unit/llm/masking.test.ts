import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { luhnHolds, verhoeffHolds } from "../../../core/llm/checksums.ts";
import { type DirectoryNames, directoryNames } from "../../../core/llm/directory-names.ts";
import { findPersonal, MaskTable, placeholderCharactersMax } from "../../../core/llm/masking.ts";

const nobody = directoryNames([]);
const zeroBytes = (length: number): Uint8Array<ArrayBuffer> => new Uint8Array(length);
/** Tag of a table whose random bytes are all zero. */
const tag = "00000000";

const maskTable = (texts: readonly string[], names: DirectoryNames = nobody): MaskTable =>
  new MaskTable(texts, names, zeroBytes);

/** What is found, with the text that it is. */
const found = (text: string, names: DirectoryNames = nobody): (readonly [string, string])[] =>
  findPersonal(text, names).map(({ kind, start, end }) => [kind, text.slice(start, end)]);

function withCheckDigit(digits: string, holds: (digits: string) => boolean): string {
  for (let check = 0; check <= 9; check += 1) if (holds(digits + check)) return digits + check;
  throw new Error("there is always one");
}

describe("what is found", () => {
  const aadhaar = withCheckDigit("23456789012", verhoeffHolds);
  const spaced = aadhaar.replace(/(.{4})(.{4})(.{4})/, "$1 $2 $3");

  it.each([
    ["write to asha.rao+school@example.co.in.", [["EMAIL", "asha.rao+school@example.co.in"]]],
    ["<mailto:asha@example.com>", [["EMAIL", "asha@example.com"]]],
    ["पत्र आशा@उदाहरण.भारत पर", [["EMAIL", "आशा@उदाहरण.भारत"]]],
    ["pay ravi@okhdfcbank.", [["UPI", "ravi@okhdfcbank"]]],
    ["pay 9876543210@ybl now", [["UPI", "9876543210@ybl"]]],
    ["call 98765 43210", [["PHONE", "98765 43210"]]],
    ["call +91-98765-43210", [["PHONE", "+91-98765-43210"]]],
    ["call (+91) 98765.43210!", [["PHONE", "+91) 98765.43210"]]],
    ["call 09876543210", [["PHONE", "09876543210"]]],
    ["call 00919876543210", [["PHONE", "00919876543210"]]],
    ["school: 080-22334455", [["PHONE", "080-22334455"]]],
    ["abroad +44 20 7946 0958", [["PHONE", "+44 20 7946 0958"]]],
    ["फ़ोन ९८७६५ ४३२१०", [["PHONE", "९८७६५ ४३२१०"]]],
    [`aadhaar ${spaced}`, [["AADHAAR", spaced]]],
    [`aadhaar ${aadhaar}x`, [["AADHAAR", aadhaar]]],
    ["card 4111 1111 1111 1111", [["CARD", "4111 1111 1111 1111"]]],
    ["card 378282246310005", [["CARD", "378282246310005"]]],
    [
      "PAN ABCPE1234F, ifsc hdfc0001234",
      [
        ["PAN", "ABCPE1234F"],
        ["IFSC", "hdfc0001234"],
      ],
    ],
    [
      `${spaced} 98765 43210`,
      [
        ["AADHAAR", spaced],
        ["PHONE", "98765 43210"],
      ],
    ],
  ])("in %j", (text, expected) => {
    expect(found(text)).toEqual(expected);
  });

  it.each([
    ["an Aadhaar number whose check digit is wrong", `${spaced.slice(0, -1)}${(Number(spaced.at(-1)) + 1) % 10}`],
    ["a card number whose check digit is wrong", "4111 1111 1111 1112"],
    ["a number within a longer one", "98765432101234567890123"],
    ["a mobile of nine digits", "987654321"],
    ["a year and a price", "in 2026, 15,000 rupees at 3.25"],
    ["a PAN within a word", "XABCPE1234FY"],
    ["a PAN whose fourth letter is no kind of person", "ABCZE1234F"],
    ["an at sign by itself", "meet @ 5, @home or a@b"],
    ["a column of figures", "1200\n98765\n432"],
  ])("is not %s", (_, text) => {
    expect(found(text)).toEqual([]);
  });

  it("changes an Aadhaar number's check digit with every single digit and every swap of neighbours", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[2-9][0-9]{10}$/), fc.nat(11), fc.integer({ min: 1, max: 9 }), (body, at, by) => {
        const whole = withCheckDigit(body, verhoeffHolds);
        const wrong = [...whole];
        wrong[at] = String((Number(wrong[at]) + by) % 10);
        expect(verhoeffHolds(wrong.join(""))).toBe(false);
        const swapped = [...whole];
        const [one, other] = [swapped[at] ?? "", swapped[at + 1] ?? ""];
        if (other === "" || one === other) return;
        [swapped[at], swapped[at + 1]] = [other, one];
        expect(verhoeffHolds(swapped.join(""))).toBe(false);
      }),
    );
    // UIDAI's published test number, and a card network's.
    expect(verhoeffHolds("999941057058")).toBe(true);
    expect(luhnHolds("79927398713")).toBe(true);
    expect(luhnHolds("79927398710")).toBe(false);
  });
});

describe("names of the directory", () => {
  const names = directoryNames(["Asha Rao", "Will Smith", "आशा राव", "R. K. Narayan", "J", "Jo"]);

  it.each([
    ["asha rao and ASHA  RAO", ["asha rao", "ASHA  RAO"]],
    ["Asha, and Rao's friend", ["Asha", "Rao"]],
    ["आशा राव ने कहा", ["आशा राव"]],
    ["R K Narayan wrote", ["R K Narayan"]],
    ["R.K. Narayan wrote", ["R.K. Narayan"]],
    ["will you, Will, J or Jo?", ["Will"]],
    ["Ashas Raoul", []],
  ])("in %j", (text, expected) => {
    expect(found(text, names).map(([, value]) => value)).toEqual(expected);
  });

  it("is found as fast among many names that begin alike", () => {
    const alike = directoryNames(Array.from({ length: 5_000 }, (_, index) => `aa ${index.toString(36)} bb`));
    expect(found("aa ".repeat(50_000), alike)).toEqual([]);
  });
});

describe("a masked text", () => {
  const value = fc.oneof(
    fc.constantFrom("asha@example.com", "ravi@okaxis", "98765 43210", "+91 98765 43210", "4111 1111 1111 1111"),
    fc.constantFrom("ABCPE1234F", "HDFC0001234", "Asha Rao", "999941057058", "९८७६५४३२१०"),
    fc.constantFrom("[EMAIL_1_00000000]", `[PHONE_1_${tag}`, "[", "]", "[[", "_1_", "[EMAIL_", " ", "\n", "é", "😀"),
    fc.string({ unit: "grapheme", maxLength: 12 }),
  );
  const text = fc.array(value, { maxLength: 30 }).map((parts) => parts.join(""));
  const names = directoryNames(["Asha Rao"]);
  const random = (length: number): Uint8Array<ArrayBuffer> => crypto.getRandomValues(new Uint8Array(length));

  it("comes back whole, in one piece and cut anywhere", () => {
    fc.assert(
      fc.property(text, fc.array(fc.nat(400), { maxLength: 40 }), (plain, cuts) => {
        const table = new MaskTable([plain], names, random);
        const masked = table.mask(plain);
        expect(table.unmask(masked)).toBe(plain);
        const places = [...new Set(cuts.map((cut) => cut % (masked.length + 1)))].sort((a, b) => a - b);
        const unmasker = table.unmasker();
        let whole = "";
        for (const [index, place] of [...places, masked.length].entries()) {
          whole += unmasker.push(masked.slice(places[index - 1] ?? 0, place));
        }
        expect(whole + unmasker.end()).toBe(plain);
      }),
      { numRuns: 500 },
    );
  });

  it("comes back whole one character at a time, and never shows a piece of a placeholder that is whole", () => {
    const table = maskTable(["Asha Rao: asha@example.com"], names);
    const masked = table.mask("Asha Rao: asha@example.com");
    const unmasker = table.unmasker();
    const shown = [...masked].map((character) => unmasker.push(character));
    expect(shown.join("") + unmasker.end()).toBe("Asha Rao: asha@example.com");
    expect(shown.filter((piece) => piece.includes("["))).toEqual([]);
  });

  it("holds none of the values, wherever they stand", () => {
    const values = ["asha@example.com", "ravi@okaxis", "98765 43210", "4111111111111111", "ABCPE1234F", "Asha Rao"];
    fc.assert(
      fc.property(fc.shuffledSubarray(values, { minLength: 1 }), fc.constantFrom(" ", "\n", ", ", "; "), (some, by) => {
        const plain = some.join(by);
        const masked = new MaskTable([plain], names, random).mask(plain);
        for (const one of some) expect(masked).not.toContain(one);
      }),
    );
  });

  it("says the same placeholder for the same value, throughout a request", () => {
    const table = maskTable([]);
    expect(table.mask("a@x.in b@x.in a@x.in")).toBe(`[EMAIL_1_${tag}] [EMAIL_2_${tag}] [EMAIL_1_${tag}]`);
    expect(table.mask("b@x.in")).toBe(`[EMAIL_2_${tag}]`);
    expect([...table.counts]).toEqual([["EMAIL", 2]]);
  });

  it("uses a tag that the request itself does not hold", () => {
    const given = [zeroBytes(8), Uint8Array.from([1, 1, 1, 1, 1, 1, 1, 1])];
    const table = new MaskTable([`[EMAIL_1_${tag}]`], nobody, () => given.shift() ?? zeroBytes(8));
    const masked = table.mask(`[EMAIL_1_${tag}] a@x.in`);
    expect(masked).toBe(`[EMAIL_1_${tag}] [EMAIL_1_11111111]`);
    expect(table.unmask(masked)).toBe(`[EMAIL_1_${tag}] a@x.in`);
  });
});

describe("a model that does not give back what it was given", () => {
  const table = maskTable([]);
  table.mask("a@x.in 98765 43210");

  it.each([
    ["invents a number", `[EMAIL_2_${tag}]`],
    ["changes the kind", `[PERSON_1_${tag}]`],
    ["changes the tag", "[EMAIL_1_00000001]"],
    ["writes it small", `[email_1_${tag}]`],
    ["puts a zero before it", `[EMAIL_01_${tag}]`],
    ["drops a bracket", `EMAIL_1_${tag}]`],
    ["never ends it", `[EMAIL_1_${tag}`],
    ["asks for what every object has", "[constructor] [__proto__] [A_1_toString]"],
  ])("%s: it stands for nobody", (_, written) => {
    expect(table.unmask(written)).toBe(written);
    const unmasker = table.unmasker();
    expect([...written].map((character) => unmasker.push(character)).join("") + unmasker.end()).toBe(written);
  });

  it("can't make more wait than the beginning of one placeholder", () => {
    const unmasker = table.unmasker();
    let behind = 0;
    for (const piece of ["[".repeat(5_000), "[AAAAAAAAAAAAAAA", "[EMAIL_1234567", `[EMAIL_1_${tag}0`, "[EMAIL_1_"]) {
      behind += piece.length - unmasker.push(piece).length;
      expect(behind).toBeLessThan(placeholderCharactersMax);
    }
  });

  it("can't make one value stand within another", () => {
    const unmasker = table.unmasker();
    expect(unmasker.push(`[EMAIL_[PHONE_1_${tag}]_${tag}]`) + unmasker.end()).toBe(`[EMAIL_98765 43210_${tag}]`);
  });
});

describe("hostile texts", () => {
  // Each would take minutes if its time grew with the square of its length.
  it.each([
    ["at signs", "@".repeat(200_000)],
    ["letters and no end", "a".repeat(200_000)],
    ["addresses in addresses", "a@".repeat(100_000)],
    ["dots", `a@${"b.".repeat(100_000)}`],
    ["digits", "9".repeat(200_000)],
    ["digits apart", "1 ".repeat(100_000)],
    ["gaps", `9${" ".repeat(200_000)}9`],
    ["letters of a PAN", "ABCP".repeat(50_000)],
    ["open brackets", "[EMAIL_1_".repeat(20_000)],
  ])("of %s take time in proportion to their length", (_, text) => {
    const table = maskTable([text], directoryNames(["a b c", "9 9 9"]));
    expect(table.unmask(table.mask(text))).toBe(text);
  });
});
