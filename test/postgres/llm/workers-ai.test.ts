/** Models of the platform's own, asked through workerd's real AI binding: no key, the operator's price, the operator's bill. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ProviderSettings } from "../../../core/llm/provider.ts";
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
  platformPrices,
  platformSettings,
  reservedFor,
  said,
  settings,
} from "./kit.ts";

let kit: LlmKit;
let tenant: FreshTenant;
const owner = personOf("owner");
const streaming = { stream: true } as const;
const each = reservedFor("hello");
/** What it says it took is all that was reserved, so nothing comes back. */
const takesAll = { say: "hello", usage: { prompt_tokens: each - 10, completion_tokens: 10 } };
beforeAll(async () => {
  kit = await createLlmKit({ ai: true });
});
beforeEach(async () => {
  tenant = await freshTenant();
  kit.platformPrices = platformPrices(1, 1);
  Object.assign(kit.plan, { monthMicrosMax: 100_000_000, operatorMicrosMax: 100_000_000 });
  for (const server of [...kit.servers, ai()]) {
    server.deeds = [{ say: "hello" }];
    server.asked.length = 0;
  }
});
afterAll(() => kit.stop());

function ai() {
  if (kit.ai === null) throw new Error("there is no binding");
  return kit.ai;
}
const call = () => kit.as(tenant.org, owner);
const shown = async () => listed(await kit.llm.listProviders(await call()));
const spent = async () => (await shown()).map(({ spentMicros }) => spentMicros);
const rows = (columns = "*") =>
  asSuperuser(`SELECT ${columns} FROM ${tenant.name}.llm_providers`, [], tenant.placement);
const add = async (given: ProviderSettings, key: string | null = null) => kit.llm.addProvider(await call(), given, key);

describe("a model of the platform's own", () => {
  it("answers whole through the binding, as itself, and is counted for whoever asked", async () => {
    const { id } = await kit.addPlatform(tenant.org, owner);
    const completion = accepted(await kit.ask(tenant.org, owner));
    if (completion.kind !== "whole") throw new Error("it streams");
    expect(JSON.parse(completion.json)).toMatchObject({
      model: "small",
      choices: [{ message: { role: "assistant", content: "hello" }, finish_reason: "stop" }],
      usage: { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 },
    });
    const [{ path, headers, body } = {}] = ai().asked;
    expect([path, headers?.["mf-header-authorization"], headers?.["mf-header-x-api-key"]]).toEqual([
      "@cf/meta/llama",
      undefined,
      undefined,
    ]);
    expect(body).toEqual({ messages: [{ role: "user", content: "hello" }], max_tokens: 10, stream: false });
    const month = new Date().toISOString().slice(0, 7);
    const used = { user: owner.user, provider: id, model: "small", requests: 1 };
    expect(accepted(await kit.llm.usage(await call(), month))).toEqual([
      { ...used, inputTokens: 5, outputTokens: 3, costMicros: 8 },
    ]);
    expect(await spent()).toEqual([8]);
  });

  it("answers in pieces, ends without a reason of its own, and says that it was cut where it took all it could", async () => {
    await kit.addPlatform(tenant.org, owner);
    ai().deeds = [{ say: "a long story", pieces: 6 }];
    expect(await said(await kit.ask(tenant.org, owner, streaming))).toBe("a long story");
    for (const [tokens, reason] of [
      [3, "stop"],
      [10, "length"],
    ] as const) {
      ai().deeds = [{ say: "a long story", pieces: 6, usage: { prompt_tokens: 5, completion_tokens: tokens } }];
      const completion = accepted(await kit.ask(tenant.org, owner, streaming));
      if (completion.kind !== "stream") throw new Error("it is whole");
      const events = await eventsOf(completion.events);
      expect(events.at(-1)).toBe("[DONE]");
      expect(JSON.parse(events.at(-2) ?? "").choices[0].finish_reason).toBe(reason);
    }
  });

  it("is asked in OpenAI's shape by its answer alone, where a newer one has that", async () => {
    await kit.addPlatform(tenant.org, owner);
    const choices = [{ message: { content: "hello" }, finish_reason: "stop" }];
    ai().deeds = [{ raw: JSON.stringify({ choices, usage: { prompt_tokens: 1, completion_tokens: 2 } }) }];
    expect(await said(await kit.ask(tenant.org, owner))).toBe("hello");
    expect(await spent()).toEqual([3]);
  });

  it("never reads what is masked, whole, in pieces or as vectors", async () => {
    const text = "Asha Rao, asha@example.com, 98765 43210";
    const messages = [{ role: "user" as const, content: text }];
    await kit.addPlatform(tenant.org, owner);
    ai().deeds = [{ say: ({ body }) => body.messages?.[0]?.content ?? "", pieces: 40 }];
    for (const stream of [false, true])
      expect(await said(await kit.ask(tenant.org, owner, { messages, stream }, ["Asha Rao"]))).toBe(text);
    accepted(await kit.embed(tenant.org, owner, { texts: [text] }, ["Asha Rao"]));
    const left = JSON.stringify(ai().asked);
    for (const secret of ["Asha", "Rao", "asha@", "98765"]) expect(left).not.toContain(secret);
    expect(ai().asked.at(-1)?.body).toEqual({ text: ["[PERSON_1], [EMAIL_1], [PHONE_1]"] });
  });

  it("makes vectors, also packed as OpenAI's clients want them, and none of a length that it can't give", async () => {
    await kit.addPlatform(tenant.org, owner);
    ai().deeds = [{ say: "", usage: { prompt_tokens: 2 } }];
    const { json } = accepted(await kit.embed(tenant.org, owner, { texts: ["a", "bb"] }));
    expect(JSON.parse(json)).toMatchObject({
      data: [
        { index: 0, embedding: [1, 0.5, -0.25] },
        { index: 1, embedding: [2, 0.5, -0.25] },
      ],
      usage: { total_tokens: 2 },
    });
    const packed = accepted(await kit.embed(tenant.org, owner, { texts: ["a", "bb"], encoding: "base64" }));
    const bytes = Uint8Array.from(Buffer.from(JSON.parse(packed.json).data[1].embedding, "base64"));
    expect([...new Float32Array(bytes.buffer)]).toEqual([2, 0.5, -0.25]);
    expect(codeOf(await kit.embed(tenant.org, owner, { dimensions: 256 }))).toBe("request_refused");
    expect(ai().asked).toHaveLength(2);
    // One that can stands in.
    await kit.add(tenant.org, owner, { place: 1 });
    accepted(await kit.embed(tenant.org, owner, { dimensions: 2 }));
    expect([ai().asked.length, kit.servers[0].asked.length]).toEqual([2, 1]);
  });
});

describe("a chain", () => {
  const both = async (first: number): Promise<void> => {
    await kit.addPlatform(tenant.org, owner, { place: first });
    await kit.add(tenant.org, owner, { place: 1 - first });
  };

  it.each([
    ["limits", { status: 429 }, 0],
    ["has no room", { status: 429, text: '{"internalCode":3040}' }, 0],
    ["breaks", { status: 500 }, 0],
    ["hangs up", "hang up", 0],
    ["is not allowed", { status: 403 }, 0],
    ["gave up behind work that was begun", { status: 408 }, each],
    ["never answers", "stall", each],
    ["answers with a page", { raw: "<html>", type: "text/html" }, each],
    ["answers with an error under 200", { raw: '{"errors":[{"code":3040}]}' }, each],
    ["answers with what is no text", { raw: '{"response":true}' }, each],
    ["answers for later", { raw: '{"request_id":"x"}' }, each],
  ] as const)("goes on where the platform %s, and pays for what may have been done", async (_, deed, cost) => {
    await both(0);
    ai().deeds = [deed];
    kit.servers[0].deeds = [{ say: "from the second" }];
    expect(await said(await kit.ask(tenant.org, owner))).toBe("from the second");
    expect(await spent()).toEqual([cost, 8]);
  });

  it.each([
    "stall",
    "hang up",
    { status: 429 },
    { raw: "data: [DONE]\n\n", type: "text/event-stream" },
    { say: "x", whole: true },
  ] as const)("goes on before a stream begins: %j", async (deed) => {
    await both(0);
    ai().deeds = [typeof deed === "object" && "whole" in deed ? { raw: '{"response":"x"}' } : deed];
    kit.servers[0].deeds = [{ say: "from the second" }];
    expect(await said(await kit.ask(tenant.org, owner, streaming))).toBe("from the second");
  });

  it("comes to the platform where a provider with a key fails, is spent or is too old", async () => {
    await both(1);
    kit.servers[0].deeds = [{ status: 503 }];
    ai().deeds = [{ say: "from the platform" }];
    expect(await said(await kit.ask(tenant.org, owner))).toBe("from the platform");
    await asSuperuser(
      `UPDATE ${tenant.name}.llm_providers SET key_since = key_since - interval '60 days' WHERE kind = 'openai'`,
      [],
      tenant.placement,
    );
    expect(await said(await kit.ask(tenant.org, owner, streaming))).toBe("from the platform");
    expect(kit.servers[0].asked).toHaveLength(1);
  });

  it("ends where the platform takes the request for wrong", async () => {
    await both(0);
    ai().deeds = [{ status: 400, text: '{"internalCode":5007}' }];
    expect(codeOf(await kit.ask(tenant.org, owner))).toBe("request_refused");
    expect(await spent()).toEqual([0, 0]);
  });

  it.each(["cut midway", "stall midway"] as const)(
    "says that a stream %s is cut off, and pays all of it",
    async (deed) => {
      await kit.addPlatform(tenant.org, owner);
      ai().deeds = [deed];
      const completion = accepted(await kit.ask(tenant.org, owner, streaming));
      if (completion.kind !== "stream") throw new Error("it is whole");
      const events = await eventsOf(completion.events);
      expect(JSON.parse(events.at(-1) ?? "")).toMatchObject({ error: { code: "llm_cut_off" } });
      expect(await spent()).toEqual([each]);
    },
  );

  it("leaves a stream that never ends when nobody reads on, and pays all of it", async () => {
    await kit.addPlatform(tenant.org, owner);
    ai().deeds = ["never end"];
    const completion = accepted(await kit.ask(tenant.org, owner, streaming));
    if (completion.kind !== "stream") throw new Error("it is whole");
    const reader = completion.events.getReader();
    await reader.read();
    await reader.read();
    await reader.cancel();
    await expect.poll(() => ai().open(), { timeout: 300_000 }).toBe(0);
    await expect.poll(spent, { timeout: 300_000 }).toEqual([each]);
  });
});

describe("a budget", () => {
  it.each([
    ["nothing", undefined],
    ["that it took nothing", { prompt_tokens: 0, completion_tokens: 0 }],
    ["less than nothing", { prompt_tokens: -5, completion_tokens: 3 }],
    ["more than it can have taken", { prompt_tokens: 5, completion_tokens: 11 }],
    ["what is no number", { prompt_tokens: "5", completion_tokens: 3 }],
  ])("counts what was reserved where the platform says %s", async (_, usage) => {
    await kit.addPlatform(tenant.org, owner);
    ai().deeds = [{ say: "hello", usage }];
    await said(await kit.ask(tenant.org, owner));
    await said(await kit.ask(tenant.org, owner, streaming));
    expect(await spent()).toEqual([2 * each]);
  });

  it("of the organisation's own stops hard, of requests that come at once", async () => {
    await kit.addPlatform(tenant.org, owner, { monthlyBudgetMicros: 3 * each });
    ai().deeds = [takesAll];
    const results = await Promise.all(Array.from({ length: 12 }, () => kit.ask(tenant.org, owner)));
    expect(results.map(codeOf).toSorted()).toEqual([...Array(9).fill("budget_spent"), "ok", "ok", "ok"]);
    expect(ai().asked).toHaveLength(3);
  });

  it("of the operator's stops hard over all of its models, those that are gone included, and leaves one's own alone", async () => {
    kit.plan.operatorMicrosMax = 3 * each;
    const { id } = await kit.addPlatform(tenant.org, owner);
    await kit.addPlatform(tenant.org, owner, {
      name: "again",
      models: [{ ...model, name: "big", upstream: "@cf/meta/llama" }],
    });
    ai().deeds = [takesAll];
    const names = Array.from({ length: 12 }, (_, index) => (index % 2 === 0 ? "small" : "big"));
    const results = await Promise.all(names.map((name) => kit.ask(tenant.org, owner, { model: name })));
    expect(results.map(codeOf).toSorted()).toEqual(["ok", "ok", "ok", ...Array(9).fill("operator_spent")]);
    accepted(await kit.llm.removeProvider(await call(), id));
    await kit.addPlatform(tenant.org, owner, { name: "another" });
    expect(codeOf(await kit.ask(tenant.org, owner))).toBe("operator_spent");
    expect(codeOf(await kit.embed(tenant.org, owner))).toBe("operator_spent");
    expect(ai().asked).toHaveLength(3);
    await kit.add(tenant.org, owner, { place: 9 });
    expect(await said(await kit.ask(tenant.org, owner))).toBe("hello");
    expect(kit.servers[0].asked).toHaveLength(1);
  });

  it("of the operator's is what the operator pays for alone", async () => {
    kit.plan.operatorMicrosMax = each;
    await kit.add(tenant.org, owner, { models: [{ ...model, name: "own" }] });
    kit.servers[0].deeds = [takesAll];
    for (let time = 0; time < 3; time += 1) accepted(await kit.ask(tenant.org, owner, { model: "own" }));
    await kit.addPlatform(tenant.org, owner);
    expect(codeOf(await kit.ask(tenant.org, owner))).toBe("ok");
  });

  it("is nothing on a plan that has none of it, and the plan's own figure holds over it", async () => {
    await kit.addPlatform(tenant.org, owner);
    kit.plan.operatorMicrosMax = 0;
    expect(codeOf(await kit.ask(tenant.org, owner))).toBe("operator_spent");
    Object.assign(kit.plan, { operatorMicrosMax: 100 * each, monthMicrosMax: each - 1 });
    expect(codeOf(await kit.ask(tenant.org, owner))).toBe("plan_spent");
    for (const wrong of [Number.NaN, -1, 0.5]) {
      kit.plan.operatorMicrosMax = wrong;
      expect(codeOf(await kit.ask(tenant.org, owner))).toBe("invalid_request");
    }
    expect(ai().asked).toEqual([]);
  });

  it("is counted at the operator's price of now, whatever the organisation said or the row holds", async () => {
    await kit.addPlatform(tenant.org, owner);
    expect((await shown())[0]?.models[0]).toMatchObject({ inputMicros: 1_000_000, outputMicros: 1_000_000 });
    await asSuperuser(
      `UPDATE ${tenant.name}.llm_providers SET models = '[{"name":"small","upstream":"@cf/meta/llama","inputMicros":0,"outputMicros":0}]'`,
      [],
      tenant.placement,
    );
    kit.platformPrices = platformPrices(2, 2);
    await said(await kit.ask(tenant.org, owner));
    expect(await spent()).toEqual([16]);
    expect((await shown())[0]?.models[0]).toMatchObject({ inputMicros: 2_000_000 });
  });
});

describe("a provider without a key", () => {
  it("has nothing of one: no fingerprint, no age, no name among the keys, nothing to rotate or to be late with", async () => {
    const added = await kit.addPlatform(tenant.org, owner);
    expect(added).toMatchObject({ key: null, previousKey: null, baseUrl: null, graceDays: null });
    const columns = "base_url, key_sealed, key_fingerprint, key_since, previous_sealed, previous_until, grace_days";
    expect(Object.values((await rows(columns))[0] ?? {})).toEqual(Array(7).fill(null));
    for (const name of ["platform", added.id]) {
      expect(codeOf(await kit.llm.namedKey(await call(), name))).toBe("not_found");
      expect(codeOf(await kit.llm.putNamedKey(await call(), name, "sk-some-key", true))).toBe("not_found");
      expect(codeOf(await kit.llm.revokeNamedKey(await call(), name))).toBe("not_found");
    }
    // However old it is, it is asked.
    await asSuperuser(`UPDATE ${tenant.name}.llm_providers SET created_at = '2020-01-01'`, [], tenant.placement);
    expect(codeOf(await kit.ask(tenant.org, owner))).toBe("ok");
  });

  it("is taken away in one call, and asked no more", async () => {
    const { id } = await kit.addPlatform(tenant.org, owner);
    expect(accepted(await kit.llm.removeProvider(await call(), id))).toEqual({ hadKey: false });
    const { id: keyed } = await kit.add(tenant.org, owner, { models: [{ ...model, name: "other" }] });
    expect(accepted(await kit.llm.removeProvider(await call(), keyed))).toEqual({ hadKey: true });
    expect(codeOf(await kit.ask(tenant.org, owner))).toBe("model_unknown");
    expect(ai().asked).toEqual([]);
  });

  it("is added nowhere with a key, an address or days of grace, and none with a key without one", async () => {
    expect(codeOf(await add(platformSettings(), "sk-some-key"))).toBe("invalid_request");
    const wrong = { baseUrl: kit.servers[0].baseUrl, graceDays: 7 } as const;
    for (const [field, value] of Object.entries(wrong))
      expect(codeOf(await add({ ...platformSettings(), [field]: value } as ProviderSettings))).toBe("invalid_request");
    expect(codeOf(await add(settings(kit.servers[0]), null))).toBe("invalid_request");
    const unknown = { ...settings(kit.servers[0]), kind: "other" } as unknown as ProviderSettings;
    expect(codeOf(await add(unknown, "sk-some-key"))).toBe("invalid_request");
    expect(await rows()).toEqual([]);
  });

  it("never becomes one with a key, nor the other way round", async () => {
    const platform = await kit.addPlatform(tenant.org, owner);
    const keyed = await kit.add(tenant.org, owner);
    const change = async (id: typeof keyed.id, given: ProviderSettings, key: string | null) =>
      codeOf(await kit.llm.changeProvider(await call(), id, { settings: given, key, keepPrevious: true }));
    expect(await change(platform.id, settings(kit.servers[0], { name: "x" }), "sk-some-key")).toBe("invalid_request");
    expect(await change(platform.id, platformSettings(), "sk-some-key")).toBe("invalid_request");
    expect(await change(keyed.id, platformSettings({ name: "x" }), null)).toBe("invalid_request");
    expect(await change(platform.id, platformSettings({ name: "renamed", place: 3 }), null)).toBe("ok");
    expect((await shown()).map(({ name, kind }) => [name, kind])).toEqual([
      ["first", "openai"],
      ["renamed", "workers_ai"],
    ]);
  });

  it.each([
    ["a key that is missing", "'openai', NULL, NULL, NULL, NULL, NULL"],
    ["an address that is missing", "'openai', NULL, 's', repeat('0', 16), now(), 7"],
    ["an age that is missing", "'anthropic', 'https://x.test', 's', repeat('0', 16), NULL, 7"],
    ["a key of none", "'workers_ai', NULL, 's', repeat('0', 16), now(), NULL"],
    ["an address of none", "'workers_ai', 'https://x.test', NULL, NULL, NULL, NULL"],
    ["days of grace of none", "'workers_ai', NULL, NULL, NULL, NULL, 7"],
    ["another kind", "'other', NULL, NULL, NULL, NULL, NULL"],
  ])("is no row with %s", async (_, values) => {
    await expect(
      asSuperuser(
        `INSERT INTO ${tenant.name}.llm_providers (id, name, models, roles, monthly_budget, place, masks, created_by,
           kind, base_url, key_sealed, key_fingerprint, key_since, grace_days)
         VALUES ('llm_01m83c1ve2e6qb5ysxjcz9bw34', 'x', '[{}]', '{}', 1, 0, true, 'usr_x', ${values})`,
        [],
        tenant.placement,
      ),
    ).rejects.toThrow(/llm_providers_(way|kind_check)/);
  });
});

describe("the operator's word", () => {
  it("is what may be asked: no other model is added, nor any without a binding", async () => {
    const other = platformSettings({ models: [{ ...model, upstream: "@cf/other" }] });
    expect(codeOf(await add(other))).toBe("not_offered");
    const both = [...platformSettings().models, { ...model, name: "big", upstream: "@cf/other" }];
    expect(codeOf(await add(platformSettings({ models: both })))).toBe("not_offered");
    expect(accepted(await kit.llm.listProviders(await call())).platform).toEqual([
      { upstream: "@cf/meta/llama", inputMicros: 1_000_000, outputMicros: 1_000_000 },
    ]);
    kit.platformPrices = null;
    expect(codeOf(await add(platformSettings()))).toBe("not_offered");
    expect(accepted(await kit.llm.listProviders(await call())).platform).toEqual([]);
    expect(await rows()).toEqual([]);
  });

  it.each([
    ["takes the model from the list", new Map([["@cf/another", { inputMicros: 1, outputMicros: 1 }]])],
    ["takes the binding away", null],
  ])("ends it at once where the operator %s, and the next one is asked", async (_, prices) => {
    await kit.addPlatform(tenant.org, owner);
    expect(accepted(await kit.llm.models(await call()))).toEqual(["small"]);
    kit.platformPrices = prices;
    expect(accepted(await kit.llm.models(await call()))).toEqual([]);
    expect(codeOf(await kit.ask(tenant.org, owner))).toBe("model_unknown");
    expect(codeOf(await kit.embed(tenant.org, owner))).toBe("model_unknown");
    await kit.add(tenant.org, owner, { place: 1 });
    expect(await said(await kit.ask(tenant.org, owner))).toBe("hello");
    expect([ai().asked.length, kit.servers[0].asked.length]).toEqual([0, 1]);
  });

  it("is kept for what a row says that was written past it", async () => {
    await kit.addPlatform(tenant.org, owner);
    await asSuperuser(
      `UPDATE ${tenant.name}.llm_providers SET models = '[{"name":"small","upstream":"@cf/expensive","inputMicros":1,"outputMicros":1}]'`,
      [],
      tenant.placement,
    );
    expect(codeOf(await kit.ask(tenant.org, owner))).toBe("model_unknown");
    expect(ai().asked).toEqual([]);
  });
});
