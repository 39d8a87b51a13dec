import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeEntities, decodePercent } from "../../../workers/edge/gates/waf/decode.ts";
import { fold, normaliseRound, readings, roundsMax, stripComments } from "../../../workers/edge/gates/waf/normalise.ts";

/** U+FDFA, the longest: 18 characters in NFKC. */
const longestForm = 18;

/** Pieces from which encodings are built, so that random texts nest and break them often. */
const encodedText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "%",
        "25",
        "3c",
        "%3c",
        "%u003c",
        "&",
        "lt",
        ";",
        "&lt;",
        "&#",
        "x3c",
        "60",
        "\\",
        "u003c",
        "\\u{3c}",
      ),
      fc.constantFrom(
        "/*",
        "*/",
        "!",
        "50000",
        "union",
        "\u200b",
        "\t",
        "\n",
        "\u00a0",
        "％",
        "３",
        "Ｃ",
        "İ",
        "A",
        "amp;",
      ),
      fc.string({ unit: "binary", maxLength: 3 }),
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(""));

describe("normalisation", () => {
  it("reaches a fixpoint: every round that changes a text makes it simpler", () => {
    fc.assert(
      fc.property(encodedText, (text) => {
        let current = text;
        // Each change drops a character or folds one; both together can't happen more often than this.
        for (let round = 0; round <= 2 * text.length + 1; round += 1) {
          const next = normaliseRound(current);
          if (next === current) return;
          current = next;
        }
        expect.unreachable("no fixpoint");
      }),
      { numRuns: 2_000 },
    );
  });

  it("changes nothing at its fixpoint", () => {
    fc.assert(
      fc.property(encodedText, (text) => {
        let current = text;
        while (normaliseRound(current) !== current) current = normaliseRound(current);
        expect(readings(current)[0]).toBe(current);
        expect(fold(current)).toBe(current);
      }),
      { numRuns: 2_000 },
    );
  });

  it("makes a text no longer than compatibility forms may, and gives few readings", () => {
    fc.assert(
      fc.property(encodedText, (text) => {
        const forms = readings(text);
        expect(forms.length).toBeLessThanOrEqual(roundsMax + 2);
        for (const form of forms.slice(0, -1)) expect(form.length).toBeLessThanOrEqual(text.length * longestForm);
      }),
      { numRuns: 2_000 },
    );
  });

  it("strips comments once and for all", () => {
    fc.assert(
      fc.property(encodedText, (text) => {
        const stripped = stripComments(text);
        const again = stripComments(stripped);
        // A conditional comment's content may open another; without one, one pass is enough.
        if (!text.includes("!")) expect(again).toBe(stripped);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ["%3Cscript%3E", "<script>"],
    ["%253Cscript%253E", "<script>"],
    ["%25253Cscript%25253E", "<script>"],
    ["%25c0%25ae", "%c0%ae"],
    ["%c0%ae%c0%ae%c0%af", "../"],
    ["%e0%80%af", "/"],
    ["\\74script\\76", "<script>"],
    ["ﬁle", "file"],
    ["＇ or 1", "' or 1"],
    ["&lt;SCRIPT&gt;", "<script>"],
    ["&#60script&#x3e;", "<script>"],
    ["\\u003cscript\\x3e", "<script>"],
    ["＜ｓｃｒｉｐｔ＞", "<script>"],
    ["<scr\u200bipt>", "<script>"],
    ["union\u00a0\t select", "union select"],
    ["UNION/**/SELECT", "union select"],
    ["/*!50000UNION*/ SELECT", " union select"],
    ["%E0%A4%A8%E0%A4%AE", "नम"],
  ])("reads %j as %j", (text, expected) => {
    expect(readings(text)).toContain(expected);
  });

  it("keeps what only looks like an encoding", () => {
    expect(decodePercent("100% sure, 5%zz, %e0%a4")).toBe("100% sure, 5%zz, \ufffd\ufffd");
    expect(decodeEntities("AT&T &nosuch; &#99999999;")).toBe("AT&T &nosuch; &#99999999;");
    expect(stripComments("a /* b")).toBe("a /* b");
  });

  it("still sees what a comment would hide", () => {
    expect(readings("%2F*<script>*/").some((form) => form.includes("<script>"))).toBe(true);
  });
});
