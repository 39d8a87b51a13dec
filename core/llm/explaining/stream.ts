/** How an explanation comes to the page: its sources first, then text, then how it ended. Server-sent events of JSON. */
import type { Source } from "./prompt.ts";

export type ExplanationEvent =
  | { readonly sources: readonly Source[] }
  | { readonly text: string }
  /** `too_long`: more came than is shown. `cut_off`: the provider's answer broke off. */
  | { readonly end: "stop" | "length" | "too_long" | "cut_off" };

export const encodeEvent = (event: ExplanationEvent): string => `data: ${JSON.stringify(event)}\n\n`;
