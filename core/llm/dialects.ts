import { anthropic } from "./anthropic.ts";
import type { Dialect } from "./dialect.ts";
import { openai } from "./openai.ts";
import type { ProviderKind } from "./provider.ts";

/** How each kind of provider is spoken to. */
export const dialects: Readonly<Record<ProviderKind, Dialect>> = { openai, anthropic };
