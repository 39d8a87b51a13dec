/** What the platform lists, and what it makes of a name and a key alone. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type ModelPrice, parseProviderAddress, parseProviderHosts } from "../../../core/llm/provider.ts";
import { wellKnownProvider } from "../../../core/llm/well-known.ts";
import { newProvider, settingsOf } from "../../../workers/studio/routes/llm/schemas.ts";

const toml = readFileSync(new URL("../../../workers/capabilities/wrangler.toml", import.meta.url), "utf8");
const hosts = parseProviderHosts("LLM_HOSTS", /^LLM_HOSTS = "(.+)"$/m.exec(toml)?.[1] ?? "");
const isCalled = (address: string): boolean => parseProviderAddress(address, hosts, new Set()) !== null;
const given = (models: readonly ModelPrice[]) =>
  models.map((model) => ({
    name: model.name,
    upstream: model.upstream,
    input_micros_per_million: model.inputMicros,
    output_micros_per_million: model.outputMicros,
  }));

describe("a provider that is well known", () => {
  it.each(["openai", "anthropic", "Anthropic"])("by the name %s is one that could be given in full", (name) => {
    const settings = wellKnownProvider(name);
    if (settings === null) throw new Error("nobody knows it");
    const { baseUrl, models, roles, monthlyBudgetMicros, masks, graceDays, place, kind } = settings;
    const parsed = newProvider.parse({
      name: settings.name,
      kind,
      base_url: baseUrl,
      models: given(models),
      roles,
      monthly_budget_micros: monthlyBudgetMicros,
      place,
      mask_personal_data: masks,
      grace_days: graceDays,
      key: "sk-of-nobody",
    });
    const said = settings.models.map(({ assumed: _guess, ...model }) => model);
    expect(settingsOf(parsed)).toEqual({ ...settings, models: said });
    expect([masks, isCalled(baseUrl)]).toEqual([true, true]);
  });

  it.each(["openai", "anthropic"])("by the name %s has prices that are marked as a guess, each of them", (name) => {
    const models = wellKnownProvider(name)?.models ?? [];
    expect(models.length).toBeGreaterThan(0);
    for (const { assumed, inputMicros } of models) expect([assumed, inputMicros > 0]).toEqual([true, true]);
  });

  it.each(["", "constructor", "__proto__", "hasOwnProperty", "mistral"])("is none by the name %j", (name) => {
    expect(wellKnownProvider(name)).toBeNull();
  });
});

describe("Workers AI at its address", () => {
  it("is given as any other provider, with models whose names begin with an at sign", () => {
    expect(isCalled("https://api.cloudflare.com/client/v4/accounts/0123456789abcdef0123456789abcdef/ai/v1")).toBe(true);
    const [model] = newProvider.shape.models.parse([
      { name: "@cf/meta/llama-3.1-8b-instruct", input_micros_per_million: 1, output_micros_per_million: 1 },
    ]);
    expect(model?.name).toBe("@cf/meta/llama-3.1-8b-instruct");
    for (const name of ["@", "@@cf", "a b", "-a"])
      expect(
        newProvider.shape.models.safeParse([{ name, input_micros_per_million: 1, output_micros_per_million: 1 }])
          .success,
      ).toBe(false);
  });
});
