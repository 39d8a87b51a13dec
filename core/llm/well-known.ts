import type { ProviderSettings } from "./provider.ts";

/**
 * What a provider is that somebody gives no more of than its name and key. Prices are those that were public when this was
 * written; the organisation's own word about them replaces them, as everything here.
 */
const common = {
  roles: ["owner", "admin"],
  // Twenty dollars, what the dashboard's own form begins with.
  monthlyBudgetMicros: 20_000_000,
  place: 0,
  masks: true,
  graceDays: 7,
} as const;

const wellKnown: Readonly<Record<string, ProviderSettings>> = {
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

/** @param input dollars for a million tokens, as `output` */
function model(name: string, input: number, output: number): ProviderSettings["models"][number] {
  const micros = (dollars: number): number => Math.round(dollars * 1_000_000);
  return { name, upstream: name, inputMicros: micros(input), outputMicros: micros(output) };
}

/** Null: nobody knows what it is, so it is described before it is given a key. */
export function wellKnownProvider(name: string): ProviderSettings | null {
  return Object.hasOwn(wellKnown, name.toLowerCase()) ? (wellKnown[name.toLowerCase()] ?? null) : null;
}
