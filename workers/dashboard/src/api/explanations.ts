import * as z from "zod/mini";
import { plainText } from "../../../../core/llm/explaining/plain-text.ts";
import { explanationCharactersMax } from "../../../../core/llm/explaining/prompt.ts";
import { EventReader } from "../../../../core/llm/server-sent-events.ts";
import type { AuditFilter } from "./audit.ts";
import { call, callStream, path } from "./client.ts";

const sourceSchema = z.union([
  z.object({ kind: z.literal("device"), device: z.string() }),
  z.object({ kind: z.literal("telemetry"), device: z.string(), from: z.string(), to: z.string() }),
  z.object({ kind: z.literal("command"), device: z.string(), command: z.string(), name: z.string() }),
  z.object({ kind: z.literal("audit"), seq: z.number(), at: z.string(), type: z.string() }),
]);
/** What the server told the model, so that a person can look at it. */
export type ExplanationSource = z.infer<typeof sourceSchema>;

const eventSchema = z.union([
  z.object({ sources: z.array(sourceSchema) }),
  z.object({ text: z.string() }),
  z.object({ end: z.enum(["stop", "length", "too_long", "cut_off"]) }),
]);

export interface Explanation {
  readonly sources: readonly ExplanationSource[];
  /** What a model said: somebody else's words, to be shown as text and as nothing else. */
  readonly text: string;
  /** Null while it comes. */
  readonly end: "stop" | "length" | "too_long" | "cut_off" | null;
}

export type AuditExplanationKind = "audit_summary" | "incident_report";
export type Explain = (
  model: string,
  signal: AbortSignal,
  onChange: (explanation: Explanation) => void,
) => Promise<void>;

export const llmModelsKey = (org: string) => ["llm", org, "models"] as const;

/** Models that the person may ask; none while the organisation has given no key for their role. */
export async function llmModels(org: string, signal: AbortSignal): Promise<string[]> {
  const list = z.object({ data: z.array(z.object({ id: z.string() })) });
  return (await call(path("orgs", org, "llm", "models"), list, { signal })).data.map(({ id }) => id);
}

/** Has a device's last hour explained. */
export function explainDevice(org: string, device: string): Explain {
  return async (model, signal, onChange) => {
    const options = { method: "POST", body: { model }, signal } as const;
    await readExplanation(await callStream(path("orgs", org, "devices", device, "explanation"), options), onChange);
  };
}

/** Has what a filter of the audit log finds summarised. */
export function explainAudit(org: string, kind: AuditExplanationKind, filter: AuditFilter): Explain {
  return async (model, signal, onChange) => {
    const set = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== ""));
    const options = { method: "POST", body: { ...set, kind, model }, signal } as const;
    await readExplanation(await callStream(path("orgs", org, "audit", "explanation"), options), onChange);
  };
}

/** Reads events as they come. What breaks off or is none ends as cut off; what is not understood is passed over. */
export async function readExplanation(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  onChange: (explanation: Explanation) => void,
): Promise<void> {
  let now: Explanation = { sources: [], text: "", end: null };
  let raw = "";
  const reader = stream.getReader();
  const events = new EventReader();
  try {
    for (let read = await reader.read(); !read.done && now.end === null; read = await reader.read()) {
      for (const data of events.push(read.value)) {
        const event = eventSchema.safeParse(JSON.parse(data));
        if (!event.success) continue;
        if ("text" in event.data) {
          raw = (raw + event.data.text).slice(0, explanationCharactersMax);
          now = { ...now, text: plainText(raw) };
        } else now = { ...now, ...event.data };
      }
      onChange(now);
    }
  } finally {
    if (now.end === null) onChange({ ...now, end: "cut_off" });
    await reader.cancel().catch(() => undefined);
  }
}
