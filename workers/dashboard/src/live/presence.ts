import * as z from "zod/mini";

const statusSchema = z.object({ state: z.enum(["online", "offline"]), at: z.optional(z.string()) });
export interface Presence {
  readonly online: boolean;
  /** RFC 3339 UTC, when the status says so. */
  readonly at: string | null;
}

/** Reads a `…/status` message; null when it is not one (anything may be published by a device). */
export function parseStatus(payload: Uint8Array): Presence | null {
  const parsed = statusSchema.safeParse(parseJson(payload));
  if (!parsed.success) return null;
  const at = parsed.data.at ?? null;
  return { online: parsed.data.state === "online", at: at !== null && Number.isFinite(Date.parse(at)) ? at : null };
}

/** Decodes UTF-8 JSON; null for anything else. */
export function parseJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch {
    return null;
  }
}
