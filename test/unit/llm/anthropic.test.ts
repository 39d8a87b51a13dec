/** Anthropic's own format, told from OpenAI's shape and back. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anthropic } from "../../../core/llm/anthropic.ts";
import { type ChatMessage, chatRoles } from "../../../core/llm/chat.ts";
import type { EventReading, LeavingChat } from "../../../core/llm/dialect.ts";
import { directoryNames } from "../../../core/llm/directory-names.ts";
import { MaskTable } from "../../../core/llm/masking.ts";
import { EventReader } from "../../../core/llm/server-sent-events.ts";
import { anthropicAnswer, anthropicError, anthropicStream } from "../../support/anthropic-provider.ts";

const chat: LeavingChat = { model: "claude", messages: [], stream: false, maxTokens: 10, sampling: {} };
interface Body {
  readonly system?: string;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
}
const bodyOf = (change: Partial<LeavingChat>): Body => anthropic.chatBody({ ...chat, ...change }, "") as Body;
const encoder = new TextEncoder();

/** Every reading of a stream that comes in pieces of bytes, cut at these places. */
function readingsOf(stream: string, cuts: readonly number[] = []): EventReading[] {
  const bytes = encoder.encode(stream);
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((one, other) => one - other);
  const [events, readEvent] = [new EventReader(), anthropic.eventReader()];
  return [...places, bytes.length].flatMap((place, index) =>
    events.push(bytes.slice(places[index - 1] ?? 0, place)).map(readEvent),
  );
}
const textOf = (readings: readonly EventReading[]): string =>
  readings.map((one) => (one !== null && typeof one === "object" ? one.content : "")).join("");

describe("a chat that leaves", () => {
  const message = fc.record({ role: fc.constantFrom(...chatRoles), content: fc.string() });

  it("has the system's words apart, every turn in its order, no turn empty, and at least one", () => {
    fc.assert(
      fc.property(fc.array(message, { minLength: 1 }), (messages) => {
        const { system = "", messages: turns } = bodyOf({ messages });
        const isTurn = ({ role }: ChatMessage): boolean => role === "user" || role === "assistant";
        const said = messages.filter(({ content }) => content !== "");
        expect(turns.length).toBeGreaterThan(0);
        if (!said.some(isTurn)) {
          expect([system, turns]).toEqual([
            "",
            [{ role: "user", content: said.map(({ content }) => content).join("\n\n") }],
          ]);
          return;
        }
        expect(turns).toEqual(said.filter(isTurn));
        expect(system).toBe(
          said
            .filter((one) => !isTurn(one))
            .map(({ content }) => content)
            .join("\n\n"),
        );
      }),
    );
  });

  it("holds what the format has a word for, and nothing else", () => {
    const sampling = {
      temperature: 1.7,
      top_p: 0.5,
      presence_penalty: 1,
      frequency_penalty: 1,
      seed: 7,
      stop: ["END", " \n"],
      response_format: { type: "json_object" as const },
    };
    expect(bodyOf({ messages: [{ role: "user", content: "hello" }], stream: true, sampling })).toEqual({
      model: "claude",
      max_tokens: 10,
      messages: [{ role: "user", content: "hello" }],
      stream: true,
      stop_sequences: ["END"],
      temperature: 1,
    });
    expect(bodyOf({ sampling: { top_p: 0.5, stop: [" "] } })).toEqual({
      model: "claude",
      max_tokens: 10,
      messages: [{ role: "user", content: "" }],
      stream: false,
      top_p: 0.5,
    });
  });

  it("goes with a key and the version in headers of their own", () => {
    expect(anthropic.headers("sk-ant-x")).toEqual({ "x-api-key": "sk-ant-x", "anthropic-version": "2023-06-01" });
  });
});

describe("an answer", () => {
  it("is the text of its blocks, with why it ended and what it took", () => {
    expect(anthropic.readWhole(anthropicAnswer("hello"))).toEqual({
      content: "hello",
      finish: "stop",
      tokens: { input: 5, output: 3 },
    });
    const content = [
      { type: "thinking", thinking: "hm" },
      { type: "text", text: "one" },
      { type: "text", text: " two" },
    ];
    const usage = { input_tokens: 1, cache_creation_input_tokens: 2, cache_read_input_tokens: 4, output_tokens: 8 };
    expect(anthropic.readWhole(JSON.stringify({ type: "message", content, stop_reason: "max_tokens", usage }))).toEqual(
      {
        content: "one two",
        finish: "length",
        tokens: { input: 7, output: 8 },
      },
    );
  });

  it.each([
    ["an error under 200", '{"type":"error","error":{"type":"overloaded_error"}}'],
    ["OpenAI's shape", '{"choices":[{"message":{"content":"hello"}}]}'],
    ["a text that is none", '{"type":"message","content":[{"type":"text","text":{}}]}'],
    ["no content", '{"type":"message","content":"hello"}'],
    ["a page", "<html>"],
    ["null", "null"],
  ])("is not %s", (_, text) => expect(anthropic.readWhole(text)).toBeNull());

  it.each([
    [{ input_tokens: -1, output_tokens: 3 }],
    [{ input_tokens: 5, output_tokens: 0.5 }],
    [{ input_tokens: 5 }],
    [{ input_tokens: 5, cache_read_input_tokens: "many", output_tokens: 3 }],
    [null],
  ])("whose counts can't be counts for all that was reserved: %j", (usage) => {
    expect(anthropic.readWhole(anthropicAnswer("hello", usage))?.tokens).toBeNull();
  });
});

describe("a stream", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 60 });
  const cuts = fc.array(fc.nat(4_000), { maxLength: 40 });

  it("says what was written, in pieces of any size, cut anywhere, and what it took at its end", () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 60 }), cuts, (written, pieces, places) => {
        const readings = readingsOf(anthropicStream(written, undefined, pieces).join(""), places);
        expect(textOf(readings)).toBe(written);
        expect(readings.at(-1)).toBe("end");
        expect(readings.at(-2)).toEqual({ content: "", finish: "stop", tokens: { input: 5, output: 3 } });
        expect(
          readings.slice(0, -2).every((one) => one === "nothing" || (one as { finish: unknown }).finish === null),
        ).toBe(true);
      }),
    );
  });

  it("gives back what was masked, wherever a placeholder is cut", () => {
    const plain = "Asha Rao, asha@example.com, 98765 43210, PAN ABCPE1234F";
    const random = (length: number): Uint8Array<ArrayBuffer> => crypto.getRandomValues(new Uint8Array(length));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), cuts, (pieces, places) => {
        const table = new MaskTable([plain], directoryNames(["Asha Rao"]), random);
        const unmasker = table.unmasker();
        const readings = readingsOf(anthropicStream(table.mask(plain), undefined, pieces).join(""), places);
        const shown = readings.map((one) =>
          one !== null && typeof one === "object" ? unmasker.push(one.content) : "",
        );
        expect(shown.join("") + unmasker.end()).toBe(plain);
      }),
    );
  });

  it("that breaks off with an error is one", () => {
    const events = anthropicStream("hello").slice(0, 3);
    expect(readingsOf(events.join("") + anthropicError).at(-1)).toBeNull();
  });

  it("never throws, whatever it is told", () => {
    const types = [
      "message_start",
      "content_block_start",
      "content_block_delta",
      "message_delta",
      "message_stop",
      "error",
    ];
    const any = fc.oneof(
      fc.json(),
      fc.string(),
      fc
        .tuple(
          fc.constantFrom(...types),
          fc.dictionary(fc.constantFrom("message", "delta", "usage", "content_block"), fc.jsonValue()),
        )
        .map(([type, rest]) => JSON.stringify({ type, ...rest })),
    );
    fc.assert(
      fc.property(fc.array(any), (events) => {
        const readEvent = anthropic.eventReader();
        for (const event of events) {
          const reading = readEvent(event);
          if (reading !== null && typeof reading === "object") expect(typeof reading.content).toBe("string");
        }
        for (const event of events) anthropic.readWhole(event);
      }),
    );
  });
});
