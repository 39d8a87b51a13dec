/** Asking providers that answer, stream, stall, cut, limit and lie, on loopback. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { asSuperuser, type FreshTenant, freshTenant } from "../support.ts";
import {
  accepted,
  codeOf,
  createLlmKit,
  eventsOf,
  type LlmKit,
  listed,
  model,
  personOf,
  reservedFor,
  said,
} from "./kit.ts";

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

const spent = async (): Promise<number[]> =>
  listed(await kit.llm.listProviders(await kit.as(tenant.org, owner))).map(({ spentMicros }) => spentMicros);
const month = new Date().toISOString().slice(0, 7);
const used = async (by = owner) => accepted(await kit.llm.usage(await kit.as(tenant.org, by), month));
const twoProviders = async (): Promise<void> => {
  await kit.add(tenant.org, owner, { name: "first", place: 0 });
  await kit.add(tenant.org, owner, { name: "second", place: 1, baseUrl: kit.servers[1].baseUrl });
};
const streaming = { stream: true } as const;

describe("an answer", () => {
  it("comes whole, in OpenAI's shape, with the model's name as it was asked for", async () => {
    const { id } = await kit.add(tenant.org, owner);
    const completion = accepted(await kit.ask(tenant.org, owner));
    if (completion.kind !== "whole") throw new Error("it streams");
    expect(JSON.parse(completion.json)).toMatchObject({
      object: "chat.completion",
      model: "small",
      choices: [{ index: 0, message: { role: "assistant", content: "hello" }, finish_reason: "stop" }],
      usage: { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 },
    });
    expect(completion.json).not.toContain("theirs");
    expect(kit.servers[0].asked[0]).toMatchObject({
      path: "/v1/chat/completions",
      body: { model: "small-1", max_tokens: 10, n: 1, stream: false },
    });
    const one = { user: owner.user, provider: id, model: "small", requests: 1 };
    expect(await used()).toEqual([{ ...one, inputTokens: 5, outputTokens: 3, costMicros: 8 }]);
    expect(await spent()).toEqual([8]);
  });

  it("comes in pieces, ends with its count where that is asked for, and is settled then", async () => {
    await kit.add(tenant.org, owner);
    kit.servers[0].deeds = [{ say: "a long story", pieces: 6 }];
    const completion = accepted(await kit.ask(tenant.org, owner, { ...streaming, includeUsage: true }));
    if (completion.kind !== "stream") throw new Error("it is whole");
    const events = await eventsOf(completion.events);
    const chunks = events.slice(0, -1).map((text) => JSON.parse(text));
    expect(events.at(-1)).toBe("[DONE]");
    expect(chunks[0].choices[0].delta).toEqual({ role: "assistant", content: "" });
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("")).toBe("a long story");
    expect(chunks.at(-2).choices[0].finish_reason).toBe("stop");
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 8 } });
    expect(chunks.every((chunk) => chunk.object === "chat.completion.chunk" && chunk.model === "small")).toBe(true);
    expect(await spent()).toEqual([8]);
  });
});

describe("personal data", () => {
  const text = "Asha Rao, asha@example.com, 98765 43210, PAN ABCPE1234F, card 4111 1111 1111 1111";
  const messages = [{ role: "user" as const, content: text }];
  const echo = { say: (asked: { body: { messages: { content: string }[] } }) => asked.body.messages[0]?.content ?? "" };

  it.each([
    ["whole", false, 1],
    ["in pieces of one character", true, 500],
    ["in pieces of some", true, 9],
  ])("leaves as placeholders and is back in the answer that comes %s", async (_, stream, pieces) => {
    await kit.add(tenant.org, owner);
    kit.servers[0].deeds = [{ ...echo, pieces }];
    expect(await said(await kit.ask(tenant.org, owner, { messages, stream }, ["Asha Rao"]))).toBe(text);
    const left = JSON.stringify(kit.servers[0].asked);
    for (const secret of ["Asha", "Rao", "asha@", "98765", "ABCPE", "4111"]) expect(left).not.toContain(secret);
    expect(left).toMatch(/\[PERSON_1_[0-9A-Z]{8}\], \[EMAIL_1_[0-9A-Z]{8}\]/);
  });

  it("leaves as it is where the organisation lets the provider read it, and for the next one is masked all the same", async () => {
    await kit.add(tenant.org, owner, { masks: false });
    await kit.add(tenant.org, owner, { name: "second", place: 1, baseUrl: kit.servers[1].baseUrl });
    kit.servers[0].deeds = [{ status: 503 }];
    kit.servers[1].deeds = [echo];
    expect(await said(await kit.ask(tenant.org, owner, { messages }, ["Asha Rao"]))).toBe(text);
    expect(kit.servers[0].asked[0]?.body.messages[0].content).toBe(text);
    expect(kit.servers[1].asked[0]?.body.messages[0].content).not.toContain("asha");
  });
});

describe("a provider that fails", () => {
  it.each([
    ["limits", { status: 429 }, 0],
    ["breaks", { status: 500 }, 0],
    ["is overloaded", { status: 529 }, 0],
    ["hangs up", "hang up", 0],
    ["does not know the key", { status: 401 }, 0],
    ["never answers", "stall", reservedFor("hello")],
    ["answers with a page", { raw: "<html>", type: "text/html" }, reservedFor("hello")],
    ["answers with an error under 200", { raw: '{"error":{}}' }, reservedFor("hello")],
    ["answers with more than anybody can have said", { say: "x".repeat(2 ** 20) }, reservedFor("hello")],
    ["answers with no choice", { raw: '{"choices":[]}' }, reservedFor("hello")],
    ["answers with what is no text", { raw: '{"choices":[{"message":{"content":{}}}]}' }, reservedFor("hello")],
  ] as const)("and %s is followed by the next, and pays for what it may have done", async (_, deed, cost) => {
    await twoProviders();
    kit.servers[0].deeds = [deed];
    kit.servers[1].deeds = [{ say: "from the second" }];
    expect(await said(await kit.ask(tenant.org, owner))).toBe("from the second");
    expect(await spent()).toEqual([cost, 8]);
  });

  it.each(["stall", "hang up", { status: 429 }, { raw: "data: [DONE]\n\n", type: "text/event-stream" }] as const)(
    "before its stream begins is followed by the next: %j",
    async (deed) => {
      await twoProviders();
      kit.servers[0].deeds = [deed];
      kit.servers[1].deeds = [{ say: "from the second" }];
      expect(await said(await kit.ask(tenant.org, owner, streaming))).toBe("from the second");
    },
  );

  it("and takes the request for wrong is followed by nobody", async () => {
    await twoProviders();
    kit.servers[0].deeds = [{ status: 400, text: '{"error":{"message":"key sk-abc…"}}' }];
    expect(await kit.ask(tenant.org, owner)).toEqual({ ok: false, code: "request_refused" });
    expect(kit.servers[1].asked).toEqual([]);
    expect(await spent()).toEqual([0, 0]);
  });

  it("is the end where there is no other", async () => {
    await twoProviders();
    for (const server of kit.servers) server.deeds = [{ status: 503 }];
    expect(codeOf(await kit.ask(tenant.org, owner))).toBe("providers_failed");
  });

  it.each(["cut midway", "stall midway"] as const)(
    "%s is told to be cut off, and costs what was reserved",
    async (deed) => {
      await kit.add(tenant.org, owner);
      kit.servers[0].deeds = [deed];
      const completion = accepted(await kit.ask(tenant.org, owner, streaming));
      if (completion.kind !== "stream") throw new Error("it is whole");
      const events = await eventsOf(completion.events);
      expect(JSON.parse(events.at(-1) ?? "")).toMatchObject({ error: { code: "llm_cut_off" } });
      expect(events).not.toContain("[DONE]");
      expect(await spent()).toEqual([reservedFor("hello")]);
    },
  );

  it("and never ends is left when nobody reads on, and costs what was reserved", async () => {
    await kit.add(tenant.org, owner);
    kit.servers[0].deeds = ["never end"];
    const completion = accepted(await kit.ask(tenant.org, owner, streaming));
    if (completion.kind !== "stream") throw new Error("it is whole");
    const reader = completion.events.getReader();
    await reader.read();
    await reader.read();
    await reader.cancel();
    await expect.poll(() => kit.servers[0].open(), { timeout: 300_000 }).toBe(0);
    await expect.poll(spent, { timeout: 300_000 }).toEqual([reservedFor("hello")]);
    expect((await used())[0]?.requests).toBe(1);
  });
});

describe("a budget", () => {
  it("lets through what it can pay for, of requests that come at once, and not one more", async () => {
    const each = reservedFor("hello");
    await kit.add(tenant.org, owner, { monthlyBudgetMicros: 3 * each });
    // What it says it took is all that was reserved, so nothing comes back.
    kit.servers[0].deeds = [{ say: "hello", usage: { prompt_tokens: each - 10, completion_tokens: 10 } }];
    const results = await Promise.all(Array.from({ length: 12 }, () => kit.ask(tenant.org, owner)));
    expect(results.map(codeOf).toSorted()).toEqual([...Array(9).fill("budget_spent"), "ok", "ok", "ok"]);
    expect(kit.servers[0].asked).toHaveLength(3);
    expect(await spent()).toEqual([3 * each]);
    expect((await used())[0]).toMatchObject({ requests: 3, costMicros: 3 * each });
  });

  it("refuses what could cost more than is left, before it is asked", async () => {
    await kit.add(tenant.org, owner, { monthlyBudgetMicros: reservedFor("hello") - 1 });
    expect(codeOf(await kit.ask(tenant.org, owner))).toBe("budget_spent");
    expect(kit.servers[0].asked).toEqual([]);
    expect(await spent()).toEqual([0]);
  });

  it("that is spent leaves the next provider's", async () => {
    await kit.add(tenant.org, owner, { monthlyBudgetMicros: 0 });
    await kit.add(tenant.org, owner, { name: "second", place: 1, baseUrl: kit.servers[1].baseUrl });
    kit.servers[1].deeds = [{ say: "from the second" }];
    expect(await said(await kit.ask(tenant.org, owner))).toBe("from the second");
  });

  it.each([
    ["nothing", null],
    ["that it took nothing", { prompt_tokens: 0, completion_tokens: 0 }],
    ["less than nothing", { prompt_tokens: -5, completion_tokens: 3 }],
    ["more than it can have taken", { prompt_tokens: 5, completion_tokens: 11 }],
    ["what is no number", { prompt_tokens: "5", completion_tokens: 3 }],
    ["parts of a token", { prompt_tokens: 0.5, completion_tokens: 3 }],
  ])("counts what was reserved where the provider says %s", async (_, usage) => {
    await kit.add(tenant.org, owner);
    kit.servers[0].deeds = [{ say: "hello", usage }];
    await said(await kit.ask(tenant.org, owner));
    await said(await kit.ask(tenant.org, owner, streaming));
    expect(await spent()).toEqual([2 * reservedFor("hello")]);
  });

  it("begins anew with the month", async () => {
    await kit.add(tenant.org, owner, { monthlyBudgetMicros: reservedFor("hello") });
    await said(await kit.ask(tenant.org, owner));
    expect(codeOf(await kit.ask(tenant.org, owner))).toBe("budget_spent");
    await asSuperuser(`UPDATE ${tenant.name}.llm_months SET month = month - interval '1 month'`, [], tenant.placement);
    expect(codeOf(await kit.ask(tenant.org, owner))).toBe("ok");
  });
});

describe("use", () => {
  it("is seen by whoever sees everything, and one's own by everybody", async () => {
    await kit.add(tenant.org, owner, { models: [model, { ...model, name: "big", upstream: "big-1" }] });
    const [analyst, viewer] = [personOf("analyst"), personOf("viewer")];
    for (const [by, name] of [
      [analyst, "small"],
      [analyst, "small"],
      [analyst, "big"],
      [viewer, "small"],
    ] as const)
      await said(await kit.ask(tenant.org, by, { model: name }));
    const counted = (all: Awaited<ReturnType<typeof used>>) =>
      all.map((one) => [one.user, one.model, one.requests, one.costMicros]).toSorted();
    const ofAnalyst = [
      [analyst.user, "big", 1, 8],
      [analyst.user, "small", 2, 16],
    ];
    const all = [...ofAnalyst, [viewer.user, "small", 1, 8]].toSorted();
    expect(counted(await used(analyst))).toEqual(ofAnalyst);
    expect(counted(await used(personOf("readonly")))).toEqual(all);
    expect(counted(await used())).toEqual(all);
    expect(await spent()).toEqual([32]);
  });
});
