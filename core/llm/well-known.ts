import type { KeyedSettings } from "./provider.ts";

/**
 * What a provider is that somebody gives no more of than its name and key; the organisation's own word replaces all of it.
 *
 * Nobody here has ever seen a provider's price list. The prices are from memory, and twice that, so that a budget that is counted by
 * them ends early and not late. They are marked as assumed until somebody writes down what the provider bills.
 */
const common = {
  roles: ["owner", "admin"],
  // Twenty dollars, what the dashboard's own form begins with.
  monthlyBudgetMicros: 20_000_000,
  place: 0,
  masks: true,
  graceDays: 7,
} as const;

/** How many times what is remembered is counted. */
const caution = 2;

const wellKnown: Readonly<Record<string, KeyedSettings>> = {
  openai: {
    ...common,
    name: "openai",
    kind: "openai",
    baseUrl: "https://api.openai.com/v1",
    models: [
      model("gpt-4o-mini", 0.15, 0.6),
      model("gpt-4o", 2.5, 10),
      model("text-embedding-3-small", 0.02, 0),
      model("text-embedding-3-large", 0.13, 0),
    ],
  },
  anthropic: {
    ...common,
    name: "anthropic",
    kind: "anthropic",
    baseUrl: "https://api.anthropic.com/v1",
    models: [model("claude-haiku-4-5", 1, 5), model("claude-sonnet-4-5", 3, 15)],
  },
};

/** @param input dollars for a million tokens as they are remembered, as `output` */
function model(name: string, input: number, output: number): KeyedSettings["models"][number] {
  const micros = (dollars: number): number => Math.round(caution * dollars * 1_000_000);
  return { name, upstream: name, inputMicros: micros(input), outputMicros: micros(output), assumed: true };
}

/** Null: nobody knows what it is, so it is described before it is given a key. */
export function wellKnownProvider(name: string): KeyedSettings | null {
  return Object.hasOwn(wellKnown, name.toLowerCase()) ? (wellKnown[name.toLowerCase()] ?? null) : null;
}
