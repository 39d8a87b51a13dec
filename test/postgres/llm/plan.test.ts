/** What the organisation's plan allows language models to cost in a month, whatever its own budgets say. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type FreshTenant, freshTenant } from "../support.ts";
import { accepted, codeOf, createLlmKit, type LlmKit, listed, personOf, reservedFor, said } from "./kit.ts";

let kit: LlmKit;
let tenant: FreshTenant;
const owner = personOf("owner");
const each = reservedFor("hello");
/** What it says it took is all that was reserved, so nothing comes back. */
const takesAll = { say: "hello", usage: { prompt_tokens: each - 10, completion_tokens: 10 } };
beforeAll(async () => {
  kit = await createLlmKit();
});
beforeEach(async () => {
  tenant = await freshTenant();
  for (const server of kit.servers) {
    server.deeds = [takesAll];
    server.asked.length = 0;
  }
});
afterAll(() => kit.stop());

const call = () => kit.as(tenant.org, owner);
const spent = async (): Promise<number> =>
  listed(await kit.llm.listProviders(await call())).reduce((sum, { spentMicros }) => sum + spentMicros, 0);

describe("a plan's budget", () => {
  it("is never passed by all providers together, of requests that come at once", async () => {
    await kit.add(tenant.org, owner, { models: [{ ...model("one") }] });
    await kit.add(tenant.org, owner, {
      name: "second",
      baseUrl: kit.servers[1].baseUrl,
      models: [{ ...model("two") }],
    });
    kit.plan.monthMicrosMax = 5 * each - 1;
    const names = Array.from({ length: 12 }, (_, index) => (index % 2 === 0 ? "one" : "two"));
    const results = await Promise.all(names.map((name) => kit.ask(tenant.org, owner, { model: name })));
    expect(results.map(codeOf).toSorted()).toEqual([...Array(4).fill("ok"), ...Array(8).fill("plan_spent")]);
    expect(await spent()).toBe(4 * each);
  });

  it("counts what a provider cost that is gone", async () => {
    const { id } = await kit.add(tenant.org, owner);
    kit.plan.monthMicrosMax = each;
    expect(codeOf(await kit.ask(tenant.org, owner))).toBe("ok");
    accepted(await kit.llm.removeProvider(await call(), id));
    await kit.add(tenant.org, owner, { name: "another" });
    expect(codeOf(await kit.ask(tenant.org, owner))).toBe("plan_spent");
    expect(kit.servers[0].asked).toHaveLength(1);
  });

  it("that is smaller than before takes nothing away, and lets nothing more through until it is larger again", async () => {
    await kit.add(tenant.org, owner);
    kit.plan.monthMicrosMax = 2 * each;
    expect(codeOf(await kit.ask(tenant.org, owner))).toBe("ok");
    kit.plan.monthMicrosMax = 1;
    expect(codeOf(await kit.ask(tenant.org, owner))).toBe("plan_spent");
    expect(codeOf(await kit.embed(tenant.org, owner))).toBe("plan_spent");
    const [provider] = listed(await kit.llm.listProviders(await call()));
    expect([provider?.monthlyBudgetMicros, provider?.spentMicros]).toEqual([1_000_000, each]);
    kit.plan.monthMicrosMax = 2 * each;
    expect(codeOf(await kit.ask(tenant.org, owner))).toBe("ok");
  });

  it("leaves the organisation's own the smaller one where it is", async () => {
    await kit.add(tenant.org, owner, { monthlyBudgetMicros: each - 1 });
    kit.plan.monthMicrosMax = 100 * each;
    expect(codeOf(await kit.ask(tenant.org, owner))).toBe("budget_spent");
  });

  it("that one provider's price is over is still enough for a cheaper one", async () => {
    await kit.add(tenant.org, owner, { models: [{ ...model("small"), inputMicros: 900_000_000 }] });
    await kit.add(tenant.org, owner, { name: "cheaper", place: 1, baseUrl: kit.servers[1].baseUrl });
    kit.plan.monthMicrosMax = each;
    expect(await said(await kit.ask(tenant.org, owner))).toBe("hello");
    expect(kit.servers[0].asked).toEqual([]);
  });

  it.each([Number.NaN, -1, 0.5, Number.POSITIVE_INFINITY])("that is %d lets nothing through", async (most) => {
    await kit.add(tenant.org, owner);
    kit.plan.monthMicrosMax = most;
    expect(codeOf(await kit.ask(tenant.org, owner))).toBe("invalid_request");
    expect(codeOf(await kit.embed(tenant.org, owner))).toBe("invalid_request");
    expect(kit.servers[0].asked).toEqual([]);
  });
});

const model = (name: string) => ({ name, upstream: name, inputMicros: 1_000_000, outputMicros: 1_000_000 });
