import * as z from "zod/mini";
import { call, callVoid, path } from "./client.ts";

const streamSchema = z.object({
  id: z.string(),
  url: z.string(),
  format: z.enum(["json", "syslog"]),
  state: z.enum(["sending", "failing", "stopped"]),
  delivered_seq: z.number(),
  delivered_at: z.nullable(z.string()),
  failure: z.nullable(z.string()),
  status: z.nullable(z.number()),
  failing_since: z.nullable(z.string()),
  next_at: z.nullable(z.string()),
  previous_secret_until: z.nullable(z.string()),
  dead_letters: z.array(
    z.object({
      first_seq: z.number(),
      last_seq: z.number(),
      failure: z.string(),
      status: z.nullable(z.number()),
      at: z.string(),
      queued: z.boolean(),
    }),
  ),
  dead_letters_total: z.number(),
});
export type AuditStream = z.infer<typeof streamSchema>;
export type DeadLetter = AuditStream["dead_letters"][number];
export type StreamFormat = AuditStream["format"];

const at = (org: string, ...rest: string[]) => path("orgs", org, "audit", "stream", ...rest);

export const auditStreamKey = (org: string) => ["audit-stream", org] as const;

/** Null: the log is streamed nowhere. */
export async function getAuditStream(org: string, signal: AbortSignal): Promise<AuditStream | null> {
  return (await call(at(org), z.object({ stream: z.nullable(streamSchema) }), { signal })).stream;
}

/** @returns the secret that signs, this once; null when the stream was there already */
export async function putAuditStream(
  org: string,
  input: { readonly url: string; readonly format: StreamFormat },
): Promise<{ readonly secret: string | null }> {
  return await call(at(org), z.object({ secret: z.nullable(z.string()) }), { method: "PUT", body: input });
}

export function removeAuditStream(org: string): Promise<void> {
  return callVoid(at(org), { method: "DELETE" });
}

/** @returns the new secret, this once */
export async function rotateStreamSecret(org: string, idempotencyKey: string): Promise<string> {
  const options = { method: "POST", idempotencyKey } as const;
  return (await call(at(org, "secret"), z.object({ secret: z.string() }), options)).secret;
}

export function resumeAuditStream(org: string): Promise<void> {
  return callVoid(at(org, "resume"), { method: "POST" });
}

const testedSchema = z.object({
  taken: z.boolean(),
  failure: z.nullable(z.string()),
  status: z.nullable(z.number()),
  took_ms: z.number(),
});
export type StreamTest = z.infer<typeof testedSchema>;

/** Sends a signed message without entries, now. */
export function testAuditStream(org: string): Promise<StreamTest> {
  return call(at(org, "test"), testedSchema, { method: "POST" });
}

export function resendDeadLetter(org: string, firstSeq: number): Promise<void> {
  return callVoid(at(org, "dead-letters", String(firstSeq), "resend"), { method: "POST" });
}

const alertsSchema = z.object({ mail: z.boolean(), mails_a_day_max: z.number() });
export type AlertMail = z.infer<typeof alertsSchema>;
export const auditAlertsKey = (org: string) => ["audit-alerts", org] as const;

export function getAuditAlerts(org: string, signal: AbortSignal): Promise<AlertMail> {
  return call(path("orgs", org, "audit", "alerts"), alertsSchema, { signal });
}

export function putAuditAlerts(org: string, mail: boolean): Promise<AlertMail> {
  return call(path("orgs", org, "audit", "alerts"), alertsSchema, { method: "PUT", body: { mail } });
}

const partSchema = z.object({
  text: z.string(),
  done: z.number(),
  total: z.number(),
  next_cursor: z.nullable(z.string()),
});
export type ExportFormat = "jsonl" | "csv" | "csv_proofs";

/** One part of an export; the first leaves an entry in the log. */
export function exportPart(org: string, format: ExportFormat, cursor: string | null, signal: AbortSignal) {
  return call(path("orgs", org, "audit", "export"), partSchema, { query: { format, cursor }, signal });
}
