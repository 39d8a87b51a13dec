/** Providers as an organisation keeps them: where they may be, what of their keys is seen, and when a key ends. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { KeyedLlmProvider } from "../../../core/rpc/llm.ts";
import { asSuperuser, type FreshTenant, freshTenant } from "../support.ts";
import { accepted, codeOf, createLlmKit, type LlmKit, listed, model, personOf, said, settings } from "./kit.ts";

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

const call = () => kit.as(tenant.org, owner);
const aged = (column: string, days: number) =>
  asSuperuser(
    `UPDATE ${tenant.name}.llm_providers SET ${column} = ${column} - interval '${days} days'`,
    [],
    tenant.placement,
  );
/** What somebody is offered. */
const offered = async (by = owner) => accepted(await kit.llm.models(await kit.as(tenant.org, by)));
const lastKey = () => kit.servers[0].asked.at(-1)?.key;
const change = async (provider: KeyedLlmProvider, more: { key?: string; keepPrevious?: boolean; baseUrl?: string }) =>
  kit.llm.changeProvider(await call(), provider.id, {
    settings: settings(kit.servers[0], { baseUrl: more.baseUrl ?? provider.baseUrl }),
    key: more.key ?? null,
    keepPrevious: more.keepPrevious ?? true,
  });

describe("a provider's key", () => {
  it("is shown as a fingerprint and stands nowhere in clear", async () => {
    const key = "sk-a-secret-that-nobody-sees";
    const added = await kit.add(tenant.org, owner, {}, key);
    expect(added.key.fingerprint).toBe(createHash("sha256").update(key).digest("hex").slice(0, 16));
    const shown = listed(await kit.llm.listProviders(await call()));
    expect(JSON.stringify([added, shown])).not.toContain("secret");
    const rows = await asSuperuser(`SELECT * FROM ${tenant.name}.llm_providers`, [], tenant.placement);
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain("secret");
    await kit.ask(tenant.org, owner);
    expect(lastKey()).toBe(key);
  });

  it("opens in no other provider's row", async () => {
    await kit.add(tenant.org, owner);
    await kit.add(tenant.org, owner, { name: "second", models: [{ ...model, name: "other" }] });
    await asSuperuser(
      `UPDATE ${tenant.name}.llm_providers SET key_sealed = (SELECT key_sealed FROM ${tenant.name}.llm_providers WHERE name = 'second')`,
      [],
      tenant.placement,
    );
    await expect(kit.ask(tenant.org, owner)).rejects.toThrow("does not open here");
    expect(kit.servers[0].asked).toEqual([]);
    const [shown] = listed(await kit.llm.listProviders(await call()));
    expect(shown?.spentMicros).toBe(0);
  });

  it("that follows another is used at once, and the one before where the provider does not know it yet", async () => {
    const added = await kit.add(tenant.org, owner, {}, "sk-first-key");
    const rotated = accepted(await change(added, { key: "sk-second-key" }));
    expect(rotated.previousKey?.fingerprint).toBe(added.key.fingerprint);
    await kit.ask(tenant.org, owner);
    expect(lastKey()).toBe("sk-second-key");
    kit.servers[0].deeds = [{ status: 401 }, { say: "hello" }];
    expect(await said(await kit.ask(tenant.org, owner))).toBe("hello");
    expect(kit.servers[0].asked.slice(-2).map(({ key }) => key)).toEqual(["sk-second-key", "sk-first-key"]);
  });

  it("ends a week after its successor, or at once where it leaked", async () => {
    const added = await kit.add(tenant.org, owner, {}, "sk-first-key");
    await change(added, { key: "sk-second-key" });
    await aged("previous_until", 7);
    kit.servers[0].deeds = [{ status: 401 }];
    expect(codeOf(await kit.ask(tenant.org, owner))).toBe("providers_failed");
    expect(kit.servers[0].asked.map(({ key }) => key)).toEqual(["sk-second-key"]);
    const leaked = accepted(await change(added, { key: "sk-third-key", keepPrevious: false }));
    expect(leaked.previousKey).toBeNull();
    await kit.ask(tenant.org, owner);
    expect(kit.servers[0].asked.map(({ key }) => key)).toEqual(["sk-second-key", "sk-third-key"]);
  });

  it("is not used past its month and the grace that the organisation gives it", async () => {
    await kit.add(tenant.org, owner, { graceDays: 2 });
    await aged("key_since", 31);
    expect(codeOf(await kit.ask(tenant.org, owner))).toBe("ok");
    expect(await offered()).toEqual(["small"]);
    await aged("key_since", 1);
    expect(codeOf(await kit.ask(tenant.org, owner))).toBe("key_due");
    expect(await offered()).toEqual([]);
    expect(kit.servers[0].asked).toHaveLength(1);
  });

  it("offers its models once each, to the roles that its provider names", async () => {
    expect(await offered()).toEqual([]);
    await kit.add(tenant.org, owner, { roles: ["owner"] });
    await kit.add(tenant.org, owner, {
      name: "second",
      roles: ["owner", "viewer"],
      models: [model, { ...model, name: "big" }],
    });
    expect(await offered()).toEqual(["small", "big"]);
    expect(await offered(personOf("viewer"))).toEqual(["small", "big"]);
    for (const role of ["analyst", "readonly"] as const) expect(await offered(personOf(role))).toEqual([]);
  });

  it("is gone with its provider, in one call", async () => {
    const { id } = await kit.add(tenant.org, owner);
    accepted(await kit.llm.removeProvider(await call(), id));
    expect(await asSuperuser(`SELECT FROM ${tenant.name}.llm_providers`, [], tenant.placement)).toEqual([]);
    expect(codeOf(await kit.ask(tenant.org, owner))).toBe("model_unknown");
    expect(kit.servers[0].asked).toEqual([]);
  });

  it("goes to no other address than the one that it was given for", async () => {
    const added = await kit.add(tenant.org, owner, {}, "sk-first-key");
    const elsewhere = kit.servers[1].baseUrl;
    expect(codeOf(await change(added, { baseUrl: elsewhere }))).toBe("invalid_request");
    const moved = accepted(await change(added, { baseUrl: elsewhere, key: "sk-their-own" }));
    expect(moved.previousKey).toBeNull();
    kit.servers[1].deeds = [{ status: 401 }];
    await kit.ask(tenant.org, owner);
    expect(kit.servers[1].asked.map(({ key }) => key)).toEqual(["sk-their-own"]);
  });
});

describe("an address", () => {
  it.each([
    "https://api.evil.test/v1",
    "http://api.openai.com/v1",
    "https://api.openai.com:8443/v1",
    "https://user@api.openai.com/v1",
    "https://api.openai.com.evil.test/v1",
    "https://api.openai.com/v1?x=1",
    "https://api.openai.com/v1/",
    "https://api.openai.com/v1/%2e%2e/x",
    "https://127.0.0.1/v1",
    "https://[::1]/v1",
    "https://0x7f.1/v1",
    "https://169.254.169.254/latest",
    "https://localhost/v1",
    "http://127.0.0.1:1/v1",
    "https://metadata.internal/v1",
    "file:///etc/passwd",
    "",
  ])("%j is called by nobody", async (baseUrl) => {
    const given = settings(kit.servers[0], { baseUrl });
    expect(codeOf(await kit.llm.addProvider(await call(), given, "sk-some-key"))).toBe("invalid_request");
  });

  it("that was allowed and is no more is not called, nor is one that it redirects to", async () => {
    await kit.add(tenant.org, owner);
    kit.servers[0].deeds = [{ status: 307, headers: { Location: `${kit.servers[1].baseUrl}/chat/completions` } }];
    expect(codeOf(await kit.ask(tenant.org, owner))).toBe("providers_failed");
    expect(kit.servers[1].asked).toEqual([]);
    await asSuperuser(
      `UPDATE ${tenant.name}.llm_providers SET base_url = 'http://127.0.0.1:1/v1'`,
      [],
      tenant.placement,
    );
    expect(codeOf(await kit.ask(tenant.org, owner))).toBe("providers_failed");
    expect(kit.servers[0].asked).toHaveLength(1);
  });
});

describe("providers", () => {
  it("are ten at most, also when they are added at once, and none has another's name", async () => {
    await kit.add(tenant.org, owner, { name: "one" });
    const again = settings(kit.servers[0], { name: "one" });
    expect(codeOf(await kit.llm.addProvider(await call(), again, "sk-some-key"))).toBe("conflict");
    const many = await Promise.all(
      Array.from({ length: 12 }, async (_, index) =>
        kit.llm.addProvider(await call(), settings(kit.servers[0], { name: `p${index}` }), "sk-some-key"),
      ),
    );
    expect(many.filter((result) => result.ok)).toHaveLength(9);
    expect(listed(await kit.llm.listProviders(await call()))).toHaveLength(10);
  });

  it("serve the roles that they name and no other", async () => {
    await kit.add(tenant.org, owner, { roles: ["analyst"] });
    expect(codeOf(await kit.ask(tenant.org, personOf("analyst")))).toBe("ok");
    expect(codeOf(await kit.ask(tenant.org, personOf("viewer")))).toBe("model_unknown");
    expect(codeOf(await kit.ask(tenant.org, owner))).toBe("model_unknown");
    expect(kit.servers[0].asked).toHaveLength(1);
  });
});

describe("a key by its provider's name", () => {
  const put = async (name: string, key = "sk-another-key", keepPrevious = true) =>
    kit.llm.putNamedKey(await call(), name, key, keepPrevious);

  it("is made with what is well known of the kind, masked and at its own address", async () => {
    for (const [name, kind, baseUrl] of [
      ["openai", "openai", "https://api.openai.com/v1"],
      ["anthropic", "anthropic", "https://api.anthropic.com/v1"],
    ] as const) {
      const { provider, created } = accepted(await put(name));
      expect([created, provider]).toMatchObject([
        true,
        { name, kind, baseUrl, masks: true, roles: ["owner", "admin"] },
      ]);
      expect(accepted(await kit.llm.namedKey(await call(), name)).key.fingerprint).toBe(provider.key.fingerprint);
    }
  });

  it("is made with prices that are marked as a guess, and are one until somebody says what the provider bills", async () => {
    const { provider } = accepted(await put("openai"));
    expect(provider.models.every(({ assumed }) => assumed === true)).toBe(true);
    // A new key is no word about prices, nor are the same settings once more.
    const rotated = accepted(await put("openai", "sk-another-key")).provider;
    expect(rotated.models).toEqual(provider.models);
    const { name, kind, baseUrl, roles, monthlyBudgetMicros, place, masks, graceDays, models } = provider;
    const rest = { name, kind, baseUrl, roles, monthlyBudgetMicros, place, masks, graceDays };
    const say = async (inputMicros: number) => {
      const said = models.map(({ assumed: _guess, ...one }, at) => (at === 0 ? { ...one, inputMicros } : one));
      const change = { settings: { ...rest, models: said }, key: null, keepPrevious: true };
      return accepted(await kit.llm.changeProvider(await call(), provider.id, change)).models.map((one) => one.assumed);
    };
    const guessed = models.slice(1).map(() => true);
    expect(await say(models[0]?.inputMicros ?? 0)).toEqual([true, ...guessed]);
    expect(await say(1)).toEqual([undefined, ...guessed]);
  });

  it("rotates, with the one before valid for a week or ended at once, and changes nothing else", async () => {
    const added = await kit.add(tenant.org, owner, { name: "OpenAI", graceDays: 3 }, "sk-first-key");
    const { provider, created } = accepted(await put("openai", "sk-second-key"));
    const { key, previousKey, ...rest } = provider;
    expect([created, rest, previousKey?.fingerprint]).toEqual([
      false,
      { ...added, key: undefined, previousKey: undefined },
      added.key.fingerprint,
    ]);
    await kit.ask(tenant.org, owner);
    expect(lastKey()).toBe("sk-second-key");
    const leaked = accepted(await put("OpenAI", "sk-third-key", false));
    expect([leaked.provider.previousKey, leaked.provider.key.fingerprint === key.fingerprint]).toEqual([null, false]);
  });

  it("is another's where two names differ in capitals alone, as each is written", async () => {
    const small = await kit.add(tenant.org, owner, { name: "ours" });
    const large = await kit.add(tenant.org, owner, { name: "Ours" });
    const found = async (name: string) => accepted(await kit.llm.namedKey(await call(), name)).id;
    expect([await found("ours"), await found("Ours"), await found(small.id)]).toEqual([small.id, large.id, small.id]);
  });

  it("that is put twice at once is one provider's", async () => {
    const results = await Promise.all(["sk-one-of-two", "sk-two-of-two"].map((key) => put("openai", key)));
    expect(results.map((result) => accepted(result).created).toSorted()).toEqual([false, true]);
    expect(listed(await kit.llm.listProviders(await call()))).toHaveLength(1);
  });

  it("is gone with its provider, in one call", async () => {
    const { id } = await kit.add(tenant.org, owner);
    expect(accepted(await kit.llm.revokeNamedKey(await call(), "first"))).toBe(id);
    expect(codeOf(await kit.llm.namedKey(await call(), "first"))).toBe("not_found");
    expect(codeOf(await kit.llm.revokeNamedKey(await call(), "first"))).toBe("not_found");
    expect(codeOf(await kit.ask(tenant.org, owner))).toBe("model_unknown");
  });

  it.each(["nobody", "constructor", "__proto__", "toString", ""])(
    "of %j, which nobody knows, is none",
    async (name) => {
      expect(codeOf(await put(name))).toBe("not_found");
      expect(codeOf(await kit.llm.namedKey(await call(), name))).toBe("not_found");
      expect(listed(await kit.llm.listProviders(await call()))).toEqual([]);
    },
  );

  it("is no key with a line end in it, nor an eleventh", async () => {
    expect(codeOf(await put("openai", "sk\r\nX-Header: x"))).toBe("invalid_request");
    for (let index = 0; index < 10; index += 1) await kit.add(tenant.org, owner, { name: `p${index}` });
    expect(codeOf(await put("openai"))).toBe("conflict");
  });
});
