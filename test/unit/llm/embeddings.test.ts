/** Vectors as they come back, and texts as they leave for them. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { directoryNames } from "../../../core/llm/directory-names.ts";
import { readVectors } from "../../../core/llm/embeddings.ts";
import { maskForGood } from "../../../core/llm/masking.ts";

const two = { texts: ["a", "b"], encoding: "float" } as const;
const data = (...vectors: readonly unknown[]) => vectors.map((embedding, index) => ({ index, embedding }));
const read = (body: unknown, asked: Parameters<typeof readVectors>[1] = two) =>
  readVectors(JSON.stringify(body), asked);

describe("vectors", () => {
  it("stand in the order of their texts, whatever order they came in", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }).chain((length) =>
          fc.array(
            fc.tuple(
              fc.nat(),
              fc.array(
                fc.double({ noNaN: true, noDefaultInfinity: true }).map((one) => one + 0),
                { minLength: length, maxLength: length },
              ),
            ),
            { minLength: 1, maxLength: 20 },
          ),
        ),
        (made) => {
          const vectors = made.map(([, vector]) => vector);
          const shuffled = data(...vectors)
            .map((one, at) => ({ one, by: made[at]?.[0] ?? 0 }))
            .sort((left, right) => left.by - right.by)
            .map(({ one }) => one);
          const texts = vectors.map(String);
          const came = read({ data: shuffled, usage: { prompt_tokens: 3 } }, { texts, encoding: "float" });
          expect(came).toEqual({ vectors: JSON.parse(JSON.stringify(vectors)), tokens: { input: 3, output: 0 } });
        },
      ),
    );
  });

  it.each([
    ["too few", { data: data([1]) }],
    ["too many", { data: data([1], [2], [3]) }],
    [
      "two of one text",
      {
        data: [
          { index: 0, embedding: [1] },
          { index: 0, embedding: [2] },
        ],
      },
    ],
    [
      "one of no text",
      {
        data: [
          { index: 0, embedding: [1] },
          { index: 2, embedding: [2] },
        ],
      },
    ],
    ["of two lengths", { data: data([1], [1, 2]) }],
    ["empty", { data: data([], []) }],
    ["longer than any", { data: data(Array(8_193).fill(0), Array(8_193).fill(0)) }],
    ["no numbers", { data: data(["1"], ["2"]) }],
    ["not as they were asked for", { data: data("AACAPw==", "AACAPw==") }],
    ["an error", { error: {}, data: data([1], [2]) }],
    ["none", { data: {} }],
    ["null", null],
  ])("are not what is %s", (_, body) => expect(read(body)).toBeNull());

  it("in base64 are that, and nothing else", () => {
    const asked = { texts: ["a"], encoding: "base64" } as const;
    expect(read({ data: data("AACAPw==") }, asked)).toEqual({ vectors: ["AACAPw=="], tokens: null });
    for (const wrong of ["<script>", "AAA", "A===A===", [1]]) expect(read({ data: data(wrong) }, asked)).toBeNull();
  });
});

describe("a text that is masked for good", () => {
  const names = directoryNames(["Asha Rao"]);

  it("is the same whenever and beside whatever it is asked for", () => {
    const text = "Asha Rao, asha@example.com and 98765 43210; again asha@example.com, then b@x.in";
    const masked = "[PERSON_1], [EMAIL_1] and [PHONE_1]; again [EMAIL_1], then [EMAIL_2]";
    expect([maskForGood(text, names), maskForGood(text, names)]).toEqual([masked, masked]);
  });

  it("holds none of the values", () => {
    const values = ["asha@example.com", "ravi@okaxis", "98765 43210", "4111111111111111", "ABCPE1234F", "Asha Rao"];
    fc.assert(
      fc.property(fc.shuffledSubarray(values, { minLength: 1 }), (some) => {
        const masked = maskForGood(some.join("; "), names);
        for (const one of some) expect(masked).not.toContain(one);
      }),
    );
  });
});
