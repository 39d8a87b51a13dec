import { anthropic } from "./anthropic.ts";
import type { Dialect, HttpDialect } from "./dialect.ts";
import { openai } from "./openai.ts";
import type { KeyedKind, ProviderKind } from "./provider.ts";
import { workersAi } from "./workers-ai.ts";

/** How each kind with an address and a key is spoken to. */
export const httpDialects: Readonly<Record<KeyedKind, HttpDialect>> = { openai, anthropic };

/** How each kind of provider is spoken to. */
export const dialects: Readonly<Record<ProviderKind, Dialect>> = { ...httpDialects, workers_ai: workersAi };
