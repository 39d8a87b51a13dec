/** A provider that is spoken to in Anthropic's own format, on loopback: it answers, streams, stalls, cuts, limits and lies. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { anthropicError, anthropicHalf, anthropicStream } from "../../support/anthropic-provider.ts";
import { type FreshTenant, freshTenant } from "../support.ts";
import { accepted, codeOf, createLlmKit, eventsOf, type LlmKit, listed, personOf, reservedFor, said } from "./kit.ts";

let kit: LlmKit;
let tenant: FreshTenant;
const owner = personOf("owner");
beforeAll(async () => {
  kit = await createLlmKit();
});
beforeEach(async () => {
  tenant = await freshTenant();
  for (const server of kit.servers) {
    server.deeds = [{ say: "hello" }];
    server.asked.length = 0;
  }
});
afterAll(() => kit.stop());

const anthropic = { kind: "anthropic" } as const;
const streaming = { stream: true } as const;
const events = "text/event-stream";
const spent = async (): Promise<number[]> =>
  listed(await kit.llm.listProviders(await kit.as(tenant.org, owner))).map(({ spentMicros }) => spentMicros);
const second = { name: "second", place: 1 } as const;
const twoProviders = async (): Promise<void> => {
  await kit.add(tenant.org, owner, anthropic);
  await kit.add(tenant.org, owner, { ...second, baseUrl: kit.servers[1].baseUrl });
  kit.servers[1].deeds = [{ say: "from the second" }];
};

describe("an answer", () => {
  it("comes in OpenAI's shape, asked for in Anthropic's", async () => {
    await kit.add(tenant.org, owner, anthropic, "sk-ant-key");
    const messages = [
      { role: "system", content: "be brief" },
      { role: "user", content: "hello" },
    ] as const;
    const completion = accepted(await kit.ask(tenant.org, owner, { messages }));
    if (completion.kind !== "whole") throw new Error("it streams");
    expect(JSON.parse(completion.json)).toMatchObject({
      object: "chat.completion",
      model: "small",
      choices: [{ message: { role: "assistant", content: "hello" }, finish_reason: "stop" }],
      usage: { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 },
    });
    const [asked] = kit.servers[0].asked;
    expect([asked?.path, asked?.key, asked?.headers.authorization]).toEqual(["/v1/messages", "sk-ant-key", undefined]);
    expect(asked?.headers["anthropic-version"]).toBe("2023-06-01");
    expect(asked?.body).toEqual({
      model: "small-1",
      max_tokens: 10,
      system: "be brief",
      messages: [{ role: "user", content: "hello" }],
      stream: false,
    });
    expect(await spent()).toEqual([8]);
  });

  it.each([
    ["whole", false, 1],
    ["in pieces of one character", true, 500],
    ["in pieces of some", true, 9],
  ])("holds what was masked when it comes %s", async (_, stream, pieces) => {
    const text = "Asha Rao, asha@example.com, 98765 43210, PAN ABCPE1234F";
    await kit.add(tenant.org, owner, anthropic);
    kit.servers[0].deeds = [{ say: ({ body }) => `${body.system} ${body.messages[0].content}`, pieces }];
    const messages = [
      { role: "system", content: text },
      { role: "user", content: text },
    ] as const;
    expect(await said(await kit.ask(tenant.org, owner, { messages, stream }, ["Asha Rao"]))).toBe(`${text} ${text}`);
    const left = JSON.stringify(kit.servers[0].asked.map(({ body }) => body));
    for (const secret of ["Asha", "asha@", "98765", "ABCPE"]) expect(left).not.toContain(secret);
    expect(await spent()).toEqual([8]);
  });

  it("that streams ends with its count", async () => {
    await kit.add(tenant.org, owner, anthropic);
    kit.servers[0].deeds = [{ say: "a long story", pieces: 6 }];
    const completion = accepted(await kit.ask(tenant.org, owner, { ...streaming, includeUsage: true }));
    if (completion.kind !== "stream") throw new Error("it is whole");
    const heard = await eventsOf(completion.events);
    expect(heard.at(-1)).toBe("[DONE]");
    expect(JSON.parse(heard.at(-2) ?? "")).toMatchObject({ choices: [], usage: { total_tokens: 8 } });
  });
});

describe("a provider that fails", () => {
  it.each([
    ["limits", { status: 429 }, 0],
    ["is overloaded", { status: 529 }, 0],
    ["hangs up", "hang up", 0],
    ["does not know the key", { status: 401 }, 0],
    ["never answers", "stall", reservedFor("hello")],
    ["answers with an error under 200", { raw: '{"type":"error","error":{}}' }, reservedFor("hello")],
    ["answers in the other format", { raw: '{"choices":[{"message":{"content":"x"}}]}' }, reservedFor("hello")],
    ["says that it took less than nothing", { say: "x", usage: { input_tokens: -1, output_tokens: 1 } }, null],
    ["says that it took nothing", { say: "x", usage: { input_tokens: 0, output_tokens: 0 } }, null],
    ["says that it took more than there was", { say: "x", usage: { input_tokens: 9e9, output_tokens: 1 } }, null],
  ] as const)("and %s costs what it may have done", async (_, deed, cost) => {
    await twoProviders();
    kit.servers[0].deeds = [deed];
    expect(await said(await kit.ask(tenant.org, owner))).toBe(cost === null ? "x" : "from the second");
    expect(await spent()).toEqual(cost === null ? [reservedFor("hello"), 0] : [cost, 8]);
  });

  it.each([
    ["says at once that it is overloaded", { raw: anthropicError, type: events }],
    ["says so once it has begun", { raw: anthropicStream("").slice(0, 2).join("") + anthropicError, type: events }],
    ["stops where nothing was said yet", { raw: anthropicStream("").slice(0, 2).join(""), type: events }],
    ["answers whole", { raw: "{}" }],
  ])("and %s is followed by the next, before anybody saw a piece", async (_, deed) => {
    await twoProviders();
    kit.servers[0].deeds = [deed];
    expect(await said(await kit.ask(tenant.org, owner, streaming))).toBe("from the second");
    expect(await spent()).toEqual([reservedFor("hello"), 8]);
  });

  it.each([
    ["is cut", "cut midway"],
    ["stalls", "stall midway"],
    ["says that it is overloaded", { raw: anthropicHalf.begin + anthropicError, type: events }],
    ["ends without an end", { raw: anthropicHalf.begin, type: events }],
    [
      "says that it is over and not why",
      { raw: `${anthropicHalf.begin}data: {"type":"message_stop"}\n\n`, type: events },
    ],
  ] as const)("and %s midway is told to be cut off, and costs what was reserved", async (_, deed) => {
    await kit.add(tenant.org, owner, anthropic);
    kit.servers[0].deeds = [deed];
    const completion = accepted(await kit.ask(tenant.org, owner, streaming));
    if (completion.kind !== "stream") throw new Error("it is whole");
    const heard = await eventsOf(completion.events);
    expect(JSON.parse(heard.at(-1) ?? "")).toMatchObject({ error: { code: "llm_cut_off" } });
    expect(heard.join("")).toContain("as I was");
    expect(heard).not.toContain("[DONE]");
    expect(await spent()).toEqual([reservedFor("hello")]);
  });

  it("and takes the request for wrong is followed by nobody", async () => {
    await twoProviders();
    kit.servers[0].deeds = [{ status: 400 }];
    expect(codeOf(await kit.ask(tenant.org, owner))).toBe("request_refused");
    expect(kit.servers[1].asked).toEqual([]);
    expect(await spent()).toEqual([0, 0]);
  });
});

describe("a kind", () => {
  it("is changed with the settings, and what is asked next is asked so", async () => {
    const added = await kit.add(tenant.org, owner);
    const change = { settings: { ...added, kind: "anthropic" as const }, key: null, keepPrevious: true };
    const changed = accepted(await kit.llm.changeProvider(await kit.as(tenant.org, owner), added.id, change));
    expect(changed.kind).toBe("anthropic");
    await kit.ask(tenant.org, owner);
    expect(kit.servers[0].asked.at(-1)?.path).toBe("/v1/messages");
  });
});
