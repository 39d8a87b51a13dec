import { describe, expect, it } from "vitest";
import { dollarsText, formatDollars, microsOf } from "../../../workers/dashboard/src/format/money.ts";
import { formatMonth, monthsBefore } from "../../../workers/dashboard/src/format/month.ts";
import { keyNotices, llmKeyState } from "../../../workers/dashboard/src/pages/language-models/key-state.ts";
import {
  emptyForm,
  emptyModel,
  formOf,
  kindsFor,
  readForm,
  settingsOf,
} from "../../../workers/dashboard/src/pages/language-models/provider-form.ts";

describe("an amount of dollars", () => {
  it.each([
    ["0", 0],
    ["20", 20_000_000],
    ["0.15", 150_000],
    ["0.000001", 1],
    [" 12.5 ", 12_500_000],
    // In floating point it is 1009999.9999999999.
    ["1.01", 1_010_000],
  ])("%s is %i micro-dollars, and back", (text, micros) => {
    expect(microsOf(text)).toBe(micros);
    expect(microsOf(dollarsText(micros))).toBe(micros);
  });

  it.each(["", "-1", "1e3", "0.0000001", "1,5", "$5", "1.", ".5", "1234567890"])("is not %j", (text) => {
    expect(microsOf(text)).toBeNull();
  });

  it("is shown to the cent, and below a cent with what it has", () => {
    expect([0, 12_500_000, 8, 2_500].map(formatDollars)).toEqual(["$0.00", "$12.50", "$0.000008", "$0.0025"]);
  });
});

describe("a month", () => {
  it("is one of UTC, and those before it go back over the turn of the year", () => {
    const now = Date.parse("2026-01-31T23:30:00-02:00");
    expect(monthsBefore(now, 3)).toEqual(["2026-02", "2026-01", "2025-12"]);
    expect(formatMonth("2025-12")).toBe("December 2025");
  });
});

describe("a provider's key", () => {
  const key = { due_at: "2026-11-30T00:00:00Z", blocked_at: "2026-12-07T00:00:00Z" };
  it.each([
    ["2026-11-22T23:59:59Z", "good"],
    ["2026-11-23T00:00:00Z", "soon"],
    ["2026-11-30T00:00:00Z", "due"],
    ["2026-12-07T00:00:00Z", "blocked"],
  ] as const)("at %s is %s", (at, state) => {
    expect(llmKeyState(key, Date.parse(at))).toBe(state);
  });
});

describe("what is said of keys", () => {
  const key = { fingerprint: "", since: "", due_at: "2026-11-30T00:00:00Z", blocked_at: "2026-12-07T00:00:00Z" };
  const said = (at: string) => keyNotices([{ id: "llm_1", name: "Ours", key }], Date.parse(at)).map(({ text }) => text);

  it("is nothing of a provider that has none", () => {
    expect(keyNotices([{ id: "llm_1", name: "Platform", key: null }], Date.parse("2030-01-01T00:00:00Z"))).toEqual([]);
  });

  it("is nothing while they are good, and what comes when, once they are not", () => {
    expect(said("2026-11-22T23:59:59Z")).toEqual([]);
    expect(said("2026-11-23T00:00:00Z")[0]).toMatch(/^The key of Ours is due on .+, and is not used from .+ on\.$/);
    expect(said("2026-11-30T00:00:00Z")[0]).toMatch(/^The key of Ours has been due since /);
    expect(said("2026-12-07T00:00:00Z")[0]).toMatch(
      /^The key of Ours has not been used since .+: give it a new one\.$/,
    );
  });
});

describe("kinds to choose from", () => {
  const offered = { models: [], monthly_micros_max: 1 };
  it("hold the platform's own models where the operator offers them and the plan has some, for new ones alone", () => {
    expect(kindsFor(null, offered)).toEqual(["openai", "anthropic", "workers_ai"]);
    for (const platform of [null, { ...offered, monthly_micros_max: 0 }])
      expect(kindsFor(null, platform)).toEqual(["openai", "anthropic"]);
    expect(kindsFor("openai", offered)).toEqual(["openai", "anthropic"]);
    expect(kindsFor("workers_ai", null)).toEqual(["workers_ai"]);
  });
});

describe("a provider's form", () => {
  const filled = {
    ...emptyForm,
    name: " Ours ",
    baseUrl: "https://api.openai.com/v1",
    models: [{ row: 0, name: "small", upstream: "", input: "0.15", output: "0.60" }],
  };
  const settings = {
    name: "Ours",
    kind: "openai" as const,
    base_url: "https://api.openai.com/v1",
    models: [
      { name: "small", upstream: "small", input_micros_per_million: 150_000, output_micros_per_million: 600_000 },
    ],
    roles: ["owner", "admin"],
    monthly_budget_micros: 20_000_000,
    place: 0,
    mask_personal_data: true,
    grace_days: 7,
  };

  it("says the settings, masks unless somebody says otherwise, and is the same after it is read back", () => {
    expect(readForm(filled)).toEqual(settings);
    const key = { fingerprint: "0123456789abcdef", since: "", due_at: "", blocked_at: "" };
    const roles = ["owner", "admin"] as const;
    const models = settings.models.map((model) => ({ ...model, assumed_price: false }));
    const rest = { id: "llm_1", spent_micros: 0, key, previous_key: null };
    const stored = { ...settings, ...rest, models, roles: [...roles] };
    expect(readForm(formOf(stored))).toEqual(settings);
    expect(settingsOf(stored)).toEqual(settings);
  });

  it("of the platform's own models says no address, key, price or days of grace, and asks which model it is", () => {
    const models = [{ row: 0, name: "small", upstream: "@cf/x", input: "", output: "" }];
    const platform = { ...filled, kind: "workers_ai" as const, baseUrl: "", graceDays: "", models };
    const { base_url: _address, grace_days: _days, ...rest } = settings;
    const said = { ...rest, kind: "workers_ai", models: [{ name: "small", upstream: "@cf/x" }] };
    expect(readForm(platform)).toEqual(said);
    expect(readForm({ ...platform, models: [emptyModel(0)] })).toMatch(/which model/);
  });

  it.each([
    [{ budget: "lots" }, /budget/],
    [{ budget: "1000001" }, /budget/],
    [{ place: "-1" }, /place/],
    [{ graceDays: "31" }, /grace/],
    [{ models: [{ row: 0, name: "small", upstream: "", input: "cheap", output: "1" }] }, /price/],
    [{ models: [{ row: 0, name: "small", upstream: "", input: "1", output: "1001" }] }, /price/],
  ])("that holds %j says what is wrong", (change, words) => {
    expect(readForm({ ...filled, ...change })).toMatch(words);
  });
});
