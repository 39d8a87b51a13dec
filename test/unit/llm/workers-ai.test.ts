/** The shapes of Workers AI's binding, told from OpenAI's and back, and what the operator lists of it. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ChatMessage, chatRoles } from "../../../core/llm/chat.ts";
import type { EventReading, LeavingChat } from "../../../core/llm/dialect.ts";
import { directoryNames } from "../../../core/llm/directory-names.ts";
import { readPlainVectors } from "../../../core/llm/embeddings.ts";
import { MaskTable } from "../../../core/llm/masking.ts";
import { operatorMicrosOf } from "../../../core/llm/operator-budget.ts";
import { parsePlatformPrices } from "../../../core/llm/platform-models.ts";
import { EventReader } from "../../../core/llm/server-sent-events.ts";
import { endedBy } from "../../../core/llm/upstream.ts";
import { workersAi } from "../../../core/llm/workers-ai.ts";
import { planLimits, plans } from "../../../core/tenancy/plan.ts";
import { createPlatformModels } from "../../../workers/capabilities/llm/platform-models.ts";
import { workersAiAnswer, workersAiStream, workersAiVectors } from "../../support/workers-ai-provider.ts";

const chat: LeavingChat = { model: "@cf/x", messages: [], stream: false, maxTokens: 10, sampling: {} };
const bodyOf = (change: Partial<LeavingChat>) =>
  workersAi.chatBody({ ...chat, ...change }, null) as { readonly messages: readonly ChatMessage[] };
const usage = { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 };
const counted = { input: 5, output: 3 };

/** Every reading of a stream that comes in pieces of bytes, cut at these places. */
function readingsOf(stream: string, cuts: readonly number[] = []): EventReading[] {
  const bytes = new TextEncoder().encode(stream);
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((one, other) => one - other);
  const [events, readEvent] = [new EventReader(), workersAi.eventReader()];
  return [...places, bytes.length].flatMap((place, index) =>
    events.push(bytes.slice(places[index - 1] ?? 0, place)).map(readEvent),
  );
}
const textOf = (readings: readonly EventReading[]): string =>
  readings.map((one) => (one !== null && typeof one === "object" ? one.content : "")).join("");
const tokensOf = (readings: readonly EventReading[]) =>
  readings.flatMap((one) => (one !== null && typeof one === "object" && one.tokens !== null ? [one.tokens] : []));

describe("a chat that leaves", () => {
  it("keeps every word in its order, under roles that are known there, and names no model", () => {
    const message = fc.record({ role: fc.constantFrom(...chatRoles), content: fc.string() });
    fc.assert(
      fc.property(fc.array(message, { minLength: 1 }), (messages) => {
        const body = bodyOf({ messages });
        expect(body.messages.map(({ content }) => content)).toEqual(messages.map(({ content }) => content));
        expect(body.messages.every(({ role }) => ["system", "user", "assistant"].includes(role))).toBe(true);
        expect(body).not.toHaveProperty("model");
      }),
    );
  });

  it("holds what the inputs have a word for, and nothing else", () => {
    const sampling = {
      temperature: 1.7,
      top_p: 0,
      presence_penalty: 1,
      frequency_penalty: -1,
      seed: 7,
      stop: ["END"],
      response_format: { type: "json_object" as const },
    };
    const messages = [{ role: "developer" as const, content: "hello" }];
    const common = { temperature: 1.7, top_p: 0.001, presence_penalty: 1, frequency_penalty: -1, seed: 7 };
    const said = { messages: [{ role: "system", content: "hello" }], max_tokens: 10 };
    expect(bodyOf({ messages, sampling })).toEqual({
      ...said,
      ...common,
      stream: false,
      response_format: { type: "json_object" },
    });
    // JSON is no promise of a stream there, and would have it refused.
    expect(bodyOf({ messages, sampling, stream: true })).toEqual({ ...said, ...common, stream: true });
    for (const seed of [0, -1, 2 ** 40]) expect(bodyOf({ sampling: { seed } })).not.toHaveProperty("seed");
  });
});

describe("an answer", () => {
  it.each([
    ["its own shape", workersAiAnswer("hello", usage), { content: "hello", finish: null, tokens: counted }],
    ["a number, where that is what it says", '{"response":42}', { content: "42", finish: null, tokens: null }],
    ["JSON, parsed already", '{"response":{"a":[1]}}', { content: '{"a":[1]}', finish: null, tokens: null }],
    ["nothing", '{"response":null}', { content: "", finish: null, tokens: null }],
    [
      "OpenAI's shape, as newer models have it",
      JSON.stringify({ choices: [{ message: { content: "hello" }, finish_reason: "length" }], usage }),
      { content: "hello", finish: "length", tokens: counted },
    ],
  ])("is read in %s", (_, text, piece) => {
    expect(workersAi.readWhole(text)).toEqual(piece);
  });

  it.each([
    ["an error under 200", '{"errors":[{"code":3040}],"response":"x"}'],
    ["an error in OpenAI's shape", '{"error":{},"choices":[]}'],
    ["the whole of Cloudflare's REST answer", '{"result":{"response":"hello"},"success":true}'],
    ["a request taken on for later", '{"request_id":"x"}'],
    ["a text that is none", '{"response":true}'],
    ["a page", "<html>"],
    ["null", "null"],
  ])("is none where it is %s", (_, text) => {
    expect(workersAi.readWhole(text)).toBeNull();
  });

  it.each([
    ["more than it can have taken", { prompt_tokens: -1, completion_tokens: 3 }],
    ["what is no number", { prompt_tokens: "5", completion_tokens: 3 }],
    ["nothing", undefined],
  ])("counts nothing of its own where it says %s", (_, said) => {
    expect(workersAi.readWhole(workersAiAnswer("hello", said))?.tokens).toBeNull();
  });

  it("whose reason nobody says was cut where it took all that it could", () => {
    expect([endedBy({ input: 1, output: 9 }, 10), endedBy({ input: 1, output: 10 }, 10), endedBy(null, 10)]).toEqual([
      "stop",
      "length",
      "stop",
    ]);
  });
});

describe("a stream", () => {
  const words = fc.string({ unit: "binary", minLength: 1, maxLength: 200 });

  it("says the same wherever its bytes are cut, counts once, and is over without a reason", () => {
    fc.assert(
      fc.property(
        words,
        fc.integer({ min: 1, max: 30 }),
        fc.array(fc.nat(), { maxLength: 30 }),
        (text, pieces, cuts) => {
          const readings = readingsOf(workersAiStream(text, usage, pieces).join(""), cuts);
          expect(textOf(readings)).toBe(text);
          expect(tokensOf(readings)).toEqual([counted]);
          expect(readings.at(-1)).toBe("over");
          expect(readings).not.toContain(null);
        },
      ),
    );
  });

  it("has what was masked put back across its pieces, wherever they are cut", () => {
    const text = "mail asha@example.com or call 98765 43210";
    const table = new MaskTable([text], directoryNames([]), (length) => new Uint8Array(length).fill(7));
    const masked = table.mask(text);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: masked.length }), fc.array(fc.nat(), { maxLength: 30 }), (pieces, cuts) => {
        const unmasker = table.unmasker();
        const readings = readingsOf(workersAiStream(masked, usage, pieces).join(""), cuts);
        const back = readings.map((one) => (one !== null && typeof one === "object" ? unmasker.push(one.content) : ""));
        expect(back.join("") + unmasker.end()).toBe(text);
      }),
    );
  });

  it("in OpenAI's shape has a reason to end, or is cut off", () => {
    const chunk = (delta: object, finish: string | null) =>
      `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
    const said = chunk({ content: "hello" }, null);
    expect(readingsOf(`${said}${chunk({}, "stop")}data: [DONE]\n\n`).at(-1)).toBe("end");
    expect(readingsOf(`${said}data: [DONE]\n\n`)).toEqual([{ content: "hello", finish: null, tokens: null }, "end"]);
  });

  it.each([
    ["only its end", "data: [DONE]\n\n", ["end"]],
    ["an error midway", 'data: {"response":"a"}\n\ndata: {"errors":[{"code":3040}]}\n\n', [expect.anything(), null]],
    ["what is no event of theirs", "data: {}\n\n", [null]],
    ["what is no JSON", "data: hello\n\n", [null]],
  ])("of %s is no answer", (_, stream, readings) => {
    expect(readingsOf(stream)).toEqual(readings);
  });
});

describe("vectors", () => {
  const asked = { texts: ["a", "bb"], encoding: "float" } as const;

  it("stand in the order of the texts, as numbers or, as OpenAI's clients want them, in base64", () => {
    const text = workersAiVectors(asked.texts, usage);
    expect(readPlainVectors(text, asked)).toEqual({
      vectors: [
        [1, 0.5, -0.25],
        [2, 0.5, -0.25],
      ],
      tokens: { input: 5, output: 0 },
    });
    const packed = readPlainVectors(text, { ...asked, encoding: "base64" })?.vectors ?? [];
    expect(
      packed.map((one) => [...new Float32Array(Uint8Array.from(Buffer.from(String(one), "base64")).buffer)]),
    ).toEqual([
      [1, 0.5, -0.25],
      [2, 0.5, -0.25],
    ]);
  });

  it.each([
    ["too few", { data: [[1]] }],
    ["of two lengths", { data: [[1], [1, 2]] }],
    ["of no numbers", { data: [[1], ["2"]] }],
    ["of nothing", { data: [[], []] }],
    ["in no list", { data: {} }],
    ["under an error", { error: {}, data: [[1], [2]] }],
  ])("%s are none", (_, body) => {
    expect(readPlainVectors(JSON.stringify(body), asked)).toBeNull();
  });
});

describe("what the operator lists", () => {
  const parse = (text: string) => parsePlatformPrices("WORKERS_AI_MODELS", text);

  it("is models with what they cost, in dollars for a million tokens", () => {
    expect([...parse("@cf/meta/llama-3.1-8b-instruct=0.28/0.83, @cf/baai/bge-m3=0.012/0")]).toEqual([
      ["@cf/meta/llama-3.1-8b-instruct", { inputMicros: 280_000, outputMicros: 830_000 }],
      ["@cf/baai/bge-m3", { inputMicros: 12_000, outputMicros: 0 }],
    ]);
    expect(parse("").size + parse(" ").size).toBe(0);
  });

  it.each([
    "@cf/x",
    "@cf/x=1",
    "@cf/x=0/0",
    "@cf/x=0/1",
    "@cf/x=-1/1",
    "@cf/x=1e3/1",
    "@cf/x=1,5/2",
    "@cf/x=1/1001",
    "@cf/x=1/1,@cf/x=1/1",
    "@cf/x=1/1,",
    "cf/x=1/1",
    "@cf/x =1/1",
    `@${"x".repeat(128)}=1/1`,
  ])("and is anything else is refused with its setting's name: %s", (text) => {
    expect(() => parse(text)).toThrow("WORKERS_AI_MODELS");
  });

  it("is nothing without a binding, and a binding is nothing without it", async () => {
    const run = async () => Response.json({});
    const prices = parse("@cf/x=1/1");
    expect(createPlatformModels(undefined, prices)).toBeNull();
    expect(createPlatformModels({ run }, parse(""))).toBeNull();
    const asked = await createPlatformModels({ run }, prices)?.ask("@cf/y", {});
    expect(asked).toEqual({ kind: "failed", mayHaveCost: false });
  });

  it("costs the operator nothing for strangers, and on each plan no more than all models may", () => {
    expect(operatorMicrosOf("free")).toBe(0);
    for (const plan of plans) expect(operatorMicrosOf(plan)).toBeLessThanOrEqual(planLimits[plan].llm_micros_a_month);
  });
});
