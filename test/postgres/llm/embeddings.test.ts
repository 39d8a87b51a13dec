/** Vectors of texts: masked, within the budget, through the same chain. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type FreshTenant, freshTenant } from "../support.ts";
import { accepted, codeOf, createLlmKit, type LlmKit, listed, personOf } from "./kit.ts";

let kit: LlmKit;
let tenant: FreshTenant;
const owner = personOf("owner");
beforeAll(async () => {
  kit = await createLlmKit();
});
beforeEach(async () => {
  tenant = await freshTenant();
  for (const server of kit.servers) {
    server.deeds = [{ say: "", usage: { prompt_tokens: 5, total_tokens: 5 } }];
    server.asked.length = 0;
  }
});
afterAll(() => kit.stop());

const spent = async (): Promise<number[]> =>
  listed(await kit.llm.listProviders(await kit.as(tenant.org, owner))).map(({ spentMicros }) => spentMicros);
const month = new Date().toISOString().slice(0, 7);
const used = async () => accepted(await kit.llm.usage(await kit.as(tenant.org, owner), month));
/** What a request of one such text reserves. */
const reservedForOne = (text: string): number => 16 + 16 + text.length;
const twoProviders = async (): Promise<void> => {
  await kit.add(tenant.org, owner);
  await kit.add(tenant.org, owner, { name: "second", place: 1, baseUrl: kit.servers[1].baseUrl });
};

describe("vectors", () => {
  it("come in OpenAI's shape, in the order of the texts, and are counted", async () => {
    const { id } = await kit.add(tenant.org, owner);
    const texts = ["a", "bb", "ccc"];
    const { json, provider } = accepted(await kit.embed(tenant.org, owner, { texts, dimensions: 2 }));
    expect([provider, JSON.parse(json)]).toEqual([
      id,
      {
        object: "list",
        data: [1, 2, 3].map((length, index) => ({ object: "embedding", index, embedding: [length, 0.5] })),
        model: "small",
        usage: { prompt_tokens: 5, total_tokens: 5 },
      },
    ]);
    expect(kit.servers[0].asked[0]).toMatchObject({
      path: "/v1/embeddings",
      body: { model: "small-1", input: texts, encoding_format: "float", dimensions: 2 },
    });
    const one = { user: owner.user, provider: id, model: "small", requests: 1 };
    expect(await used()).toEqual([{ ...one, inputTokens: 5, outputTokens: 0, costMicros: 5 }]);
    expect(await spent()).toEqual([5]);
  });

  it("come in base64 where that is asked for", async () => {
    await kit.add(tenant.org, owner);
    const { json } = accepted(await kit.embed(tenant.org, owner, { encoding: "base64" }));
    const bytes = Buffer.from(JSON.parse(json).data[0].embedding, "base64");
    expect(bytes.readFloatLE(0)).toBe("hello".length);
  });

  it("are of texts that hold nobody, and the same each time", async () => {
    await kit.add(tenant.org, owner);
    const texts = ["Asha Rao, asha@example.com, 98765 43210", "asha@example.com"];
    for (let time = 0; time < 2; time += 1) await kit.embed(tenant.org, owner, { texts }, ["Asha Rao"]);
    const inputs = kit.servers[0].asked.map(({ body }) => body.input);
    expect(inputs).toEqual(Array(2).fill(["[PERSON_1], [EMAIL_1], [PHONE_1]", "[EMAIL_1]"]));
  });

  it("are of the texts as they are where the organisation lets the provider read them", async () => {
    await kit.add(tenant.org, owner, { masks: false });
    await kit.embed(tenant.org, owner, { texts: ["asha@example.com"] });
    expect(kit.servers[0].asked[0]?.body.input).toEqual(["asha@example.com"]);
  });
});

describe("a provider", () => {
  it.each([
    ["limits", { status: 429 }, 0],
    ["hangs up", "hang up", 0],
    ["never answers", "stall", reservedForOne("hello")],
    ["answers with too few", { raw: '{"data":[]}' }, reservedForOne("hello")],
    ["answers with an error under 200", { raw: '{"error":{}}' }, reservedForOne("hello")],
    ["answers with more than can be", { raw: `{"data":[${"0,".repeat(5_000_000)}0]}` }, reservedForOne("hello")],
  ] as const)("that %s is followed by the next, and pays for what it may have done", async (_, deed, cost) => {
    await twoProviders();
    kit.servers[0].deeds = [deed];
    expect(codeOf(await kit.embed(tenant.org, owner))).toBe("ok");
    expect(kit.servers[1].asked).toHaveLength(1);
    expect(await spent()).toEqual([cost, 5]);
  });

  it.each([undefined, { prompt_tokens: 0 }, { prompt_tokens: -1 }, { prompt_tokens: 9e9 }])(
    "that says %j of what it took is paid what was reserved",
    async (usage) => {
      await kit.add(tenant.org, owner);
      kit.servers[0].deeds = [{ say: "", usage }];
      expect(codeOf(await kit.embed(tenant.org, owner))).toBe("ok");
      expect(await spent()).toEqual([reservedForOne("hello")]);
    },
  );

  it("in Anthropic's format makes none and is not asked", async () => {
    await kit.add(tenant.org, owner, { kind: "anthropic" });
    expect(codeOf(await kit.embed(tenant.org, owner))).toBe("model_unknown");
    await kit.add(tenant.org, owner, { name: "second", place: 1, baseUrl: kit.servers[1].baseUrl });
    expect(codeOf(await kit.embed(tenant.org, owner))).toBe("ok");
    expect(kit.servers[0].asked).toEqual([]);
  });
});

describe("what is asked for", () => {
  it("is refused before anybody is asked where it could cost more than is left", async () => {
    await kit.add(tenant.org, owner, { monthlyBudgetMicros: reservedForOne("hello") - 1 });
    expect(codeOf(await kit.embed(tenant.org, owner))).toBe("budget_spent");
    expect(kit.servers[0].asked).toEqual([]);
  });

  it.each([
    [{ texts: [] }],
    [{ texts: Array(257).fill("a") }],
    [{ texts: ["x".repeat(200_001)] }],
    [{ dimensions: 0 }],
    [{ dimensions: 8_193 }],
    [{ dimensions: 1.5 }],
  ])("is refused where nothing bounds it: %#", async (wrong) => {
    await kit.add(tenant.org, owner);
    expect(codeOf(await kit.embed(tenant.org, owner, wrong))).toBe("invalid_request");
    expect(kit.servers[0].asked).toEqual([]);
  });

  it("is asked by the roles that the provider names", async () => {
    await kit.add(tenant.org, owner, { roles: ["analyst"] });
    expect(codeOf(await kit.embed(tenant.org, personOf("analyst")))).toBe("ok");
    expect(codeOf(await kit.embed(tenant.org, personOf("viewer")))).toBe("model_unknown");
    expect(codeOf(await kit.embed(tenant.org, personOf("readonly")))).toBe("forbidden");
  });
});
