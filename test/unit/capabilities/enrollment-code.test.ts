import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type OrgSlug, parseSlug } from "../../../core/ids.ts";
import {
  canonicalEnrollmentCode,
  formatEnrollmentCode,
  parseEnrollmentCode,
} from "../../../core/tenancy/enrollment-code.ts";

const slug = (text: string): OrgSlug => {
  const parsed = parseSlug(text);
  if (parsed === null) throw new Error("not a slug");
  return parsed;
};
const canonical = (text: string): string | null => {
  const parsed = parseEnrollmentCode(text);
  return parsed === null ? null : canonicalEnrollmentCode(parsed);
};

describe("an enrolment code's text", () => {
  it("begins with the slug and shows the secret in four groups of five", () => {
    const bytes = Uint8Array.from({ length: 20 }, (_, index) => index + 224);
    expect(formatEnrollmentCode(slug("green-hill-school"), bytes)).toBe("green-hill-school-01234-56789-ABCDE-FGHJK");
  });

  it("carries one hundred even bits: each random byte decides one character", () => {
    const code = (bytes: Uint8Array): string => formatEnrollmentCode(slug("demo"), bytes).replaceAll("-", "").slice(4);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), fc.nat(19), (bytes, position) => {
        const changed = bytes.slice();
        changed[position] = (bytes[position] ?? 0) ^ 1;
        const before = code(bytes);
        const after = code(changed);
        expect([...before].filter((character, index) => character !== after[index])).toHaveLength(1);
      }),
    );
  });

  it("is read back whatever its case and wherever its hyphens stand", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("demo", "a-b-c", "0o0", "green-hill-school", "school-12345"),
        fc.uint8Array({ minLength: 20, maxLength: 20 }),
        fc.infiniteStream(fc.boolean()),
        (name, bytes, coins) => {
          const code = formatEnrollmentCode(slug(name), bytes);
          const secret = code.slice(name.length + 1).replaceAll("-", "");
          let typed = `${name}-`;
          for (const character of secret) {
            typed += coins.next().value === true ? character.toLowerCase() : character;
            if (coins.next().value === true) typed += "-";
          }
          expect(canonical(typed)).toBe(`${name}-${secret}`);
        },
      ),
    );
  });

  it("takes O for 0 and I and L for 1 in the secret, and leaves the slug alone", () => {
    expect(canonical("loil-OIL00-00000-00000-00000")).toBe("loil-01100000000000000000");
  });

  it.each([
    ["nothing", ""],
    ["no slug", "01234-56789-ABCDE-FGHJK"],
    ["a secret that is too short", "demo-01234-56789-ABCDE-FGHJ"],
    ["a letter outside the alphabet", "demo-01234-56789-ABCDE-FGHJU"],
    ["no hyphen between slug and secret", "demo0123456789ABCDEFGHJK"],
    ["a letter that grows in upper case", "demo-01234-56789-ABCDE-FGHJß"],
    ["a malformed slug", "-demo--x-01234-56789-ABCDE-FGHJK"],
    ["a NUL", "de\u0000mo-01234-56789-ABCDE-FGHJK"],
    ["something endless", `demo-${"-".repeat(200)}01234-56789-ABCDE-FGHJK`],
  ])("refuses %s", (_, text) => {
    expect(parseEnrollmentCode(text)).toBeNull();
  });

  it("refuses what is not text", () => {
    expect(parseEnrollmentCode(null)).toBeNull();
    expect(parseEnrollmentCode(12)).toBeNull();
  });
});
