/** Personal data that hides from the mask: behind what nobody sees, in other signs, across lines and groups. */
import { describe, expect, it } from "vitest";
import { luhnHolds, verhoeffHolds } from "../../../core/llm/checksums.ts";
import { directoryNames } from "../../../core/llm/directory-names.ts";
import { findPersonal, MaskTable } from "../../../core/llm/masking.ts";

const nobody = directoryNames([]);
const people = directoryNames(["Asha Rao", "Will Smith", "രാജന്\u200d നായര്\u200d", "क्\u200dषमा", "José Núñez"]);
const found = (text: string, names = nobody) =>
  findPersonal(text, names).map(({ kind, start, end }) => [kind, text.slice(start, end)]);

/** The digits of a script, from its zero. */
const inDigits = (zero: number, digits: string): string =>
  [...digits].map((digit) => String.fromCodePoint(zero + Number(digit))).join("");

const aadhaar = "999941057058";
const card = "4111111111111111";

describe("a number is found", () => {
  it("in every script's digits", () => {
    expect([verhoeffHolds(aadhaar), luhnHolds(card)]).toEqual([true, true]);
    const zeros: number[] = [];
    for (let character = 0; character < 0x20000; character += 1) {
      const isFirst = /^\p{Nd}$/u.test(String.fromCodePoint(character)) && (zeros.at(-1) ?? -10) + 10 <= character;
      if (isFirst) zeros.push(character);
    }
    expect(zeros.length).toBeGreaterThan(60);
    for (const zero of zeros) {
      for (const [kind, digits] of [
        ["PHONE", "9876543210"],
        ["AADHAAR", aadhaar],
        ["CARD", card],
      ] as const) {
        const text = inDigits(zero, digits);
        expect(found(`(${text})`)).toEqual([[kind, text]]);
      }
    }
  });

  it.each([
    ["line ends", "98765\n43210"],
    ["a line end of Windows", "98765\r\n43210"],
    ["a line separator", "98765\u202843210"],
    ["a space of no width", "98765\u200b43210"],
    ["soft hyphens, between all of them", [..."9876543210"].join("\u00ad")],
    ["marks of direction", "98765\u202a\u202c\u206643210"],
    ["word joiners, many of them", `98765${"\u2060".repeat(12)}43210`],
    ["a space of full width", "98765\u300043210"],
    ["a hyphen of full width", "98765\uff0d43210"],
  ])("over %s", (_, text) => {
    expect(found(`call ${text} now`)).toEqual([["PHONE", text]]);
  });

  it("abroad, dialled with 00", () => {
    expect(found("call 0044 20 7946 0958")).toEqual([["PHONE", "0044 20 7946 0958"]]);
  });

  it("over a line's end in groups that are a number's", () => {
    const text = "9999 4105\n7058 and 4111 1111\n1111 1111 and +91\n98765 43210";
    expect(found(text).map(([kind]) => kind)).toEqual(["AADHAAR", "CARD", "PHONE"]);
  });

  it("but not in a column of dates or figures", () => {
    for (let day = 10; day < 28; day += 1)
      expect(found(`2026-11-${day}\n2026-12-${day}\nstatus 200\n2026-11-${day} ok`)).toEqual([]);
  });

  it("but not over what parts two numbers", () => {
    for (const text of ["98765, 43210", "98765 | 43210", "98765\n\n\n\n\n43210", "98765;43210"])
      expect(found(text)).toEqual([]);
  });
});

describe("an address is found", () => {
  it.each([
    ["a sign of full width", "asha\uff20school.in"],
    ["a small sign", "asha\ufe6bschool.in"],
    ["a sign as web addresses hold it", "asha%40school.in"],
    ["a space of no width before the sign", "asha\u200b@school.in"],
    ["one behind it", "asha@\u200bschool.in"],
    ["one within the name", "as\u200bha@school.in"],
    ["a soft hyphen in the domain", "asha@sch\u00adool.in"],
    ["another script's full stop", "asha@school\u3002in"],
    ["a name in quotes", '"asha rao"@school.in'],
    ["a line that was broken behind the sign", "asha@\nschool.in"],
    ["a quoted line that was broken", "asha@\r\n> school.in"],
  ])("with %s", (_, text) => {
    expect(found(`to ${text} soon`)).toEqual([["EMAIL", text]]);
  });

  it("within the address of a page", () => {
    const [finding] = found("see https://school.in/reset?email=asha%40school.in&next=1");
    expect(finding?.[1]).toContain("asha%40school.in");
    expect(finding?.[1]).not.toContain("next");
  });

  it("and JSON around a handle is none", () => {
    expect(found('{"handle":"@asha_","more":["a", "@bc"]}')).toEqual([]);
    expect(found("meet @\nschool.in")).toEqual([]);
  });
});

describe("a code is found", () => {
  it.each([
    ["PAN", "of full width", "\uff21\uff22\uff23\uff30\uff25\uff11\uff12\uff13\uff14\uff26"],
    ["PAN", "with a space of no width", "ABCPE\u200b1234F"],
    ["PAN", "with soft hyphens everywhere", [..."ABCPE1234F"].join("\u00ad")],
    ["PAN", "in groups", "ABCPE 1234 F"],
    ["PAN", "in groups with hyphens", "ABCPE-1234-F"],
    ["IFSC", "with a space of no width", "HDFC\u200b0001234"],
    ["IFSC", "of full width in part", "HDFC\uff10001234"],
  ])("%s %s", (kind, _, text) => {
    expect(found(`it is ${text}.`)).toEqual([[kind, text]]);
  });

  it("but a sentence in small letters is none", () => {
    expect(found("do maths 1234 a day; chapt 1234 b")).toEqual([]);
  });
});

describe("a name is found", () => {
  it.each([
    ["with a space of no width in it", "A\u200bsha Ra\u00ado", ["A\u200bsha Ra\u00ado"]],
    ["as Malayalam writes it, with its joiners", "രാജന്\u200d നായര്\u200d വന്നു", ["രാജന്\u200d നായര്\u200d"]],
    ["… and without them", "രാജന് നായര് വന്നു", ["രാജന് നായര്"]],
    ["as Hindi may write it, with a joiner or without", "क्\u200dषमा, क्षमा", ["क्\u200dषमा", "क्षमा"]],
    ["in capitals, as registers write it", "RAO and ASHA", ["RAO", "ASHA"]],
    ["with a possessive of any apostrophe", "Asha's, Asha’s, Rao'S", ["Asha", "Asha", "Rao"]],
    ["in letters of full width", "Ａｓｈａ Ｒａｏ; Ｒａｏ", ["Ａｓｈａ Ｒａｏ", "Ｒａｏ"]],
    [
      "in letters taken apart",
      "Jose\u0301 Nu\u0301n\u0303ez, Jose\u0301",
      ["Jose\u0301 Nu\u0301n\u0303ez", "Jose\u0301"],
    ],
    ["as a user's name", "asha_rao and asha.rao", ["asha_rao", "asha.rao"]],
  ])("%s", (_, text, expected) => {
    expect(found(text, people).map(([, value]) => value)).toEqual(expected);
  });

  it("but a word that only begins so is none", () => {
    expect(found("Raoul will ashamed", people)).toEqual([]);
  });
});

describe("what is put back into JSON that was asked for", () => {
  it("stays within its string, in one piece and cut anywhere", () => {
    const values = ['"asha rao"@school.in', "Asha\nRao", "98765\n43210"];
    const table = new MaskTable(values, people, (length) => new Uint8Array(length), true);
    const masked = values.map((value) => table.mask(value));
    const answer = `{${masked.map((value, index) => `"f${index}":"${value}"`).join(",")}}`;
    expect(Object.values(JSON.parse(table.unmask(answer)))).toEqual(values);
    const unmasker = table.unmasker();
    const shown = Array.from(answer, (character) => unmasker.push(character)).join("") + unmasker.end();
    expect(Object.values(JSON.parse(shown))).toEqual(values);
  });
});

describe("looking", () => {
  it("is linear, whatever somebody writes to make it slow", () => {
    const texts = ["@", "%40", "\u200b", "9\u200b", "A\u00ad", '"a"@', "a@\n", "9 ", "𝟗", "AAAPA", "क्\u200d"];
    // A square of 200,000 would outlast the test.
    for (const text of texts)
      expect(findPersonal(text.repeat(Math.floor(200_000 / text.length)), people)).toBeDefined();
  });
});
