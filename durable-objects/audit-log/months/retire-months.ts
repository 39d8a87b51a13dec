import type { AuditFields } from "../../../core/audit/events.ts";
import { parseLogName } from "../../../core/audit/logs.ts";
import { makeId } from "../../../core/ids.ts";
import type { Env } from "../../env.ts";
import { keyRingName, objectCaller } from "../../mesh.ts";
import type { AuditLogMethods } from "../audit-log-methods.ts";
import type { HeadSigner } from "../published-log.ts";
import { type MonthOf, type MonthSources, sealMonth } from "./retire-month.ts";
import { type Shown, SignedLeaves } from "./signed-leaves.ts";

type MonthEvent = Extract<AuditFields, { type: "audit_month" }>;

/** Where it is written down what became of a month: a table of many organisations is nobody's. */
const recordedIn = "platform-0";
/** A day more than the 30 that the database tells of, in milliseconds: two clocks, and a run that takes its time. */
const lookedBackMs = 31 * 24 * 3600_000;

/**
 * The clock's: months of the audit table that are older than seven years leave it, the oldest of each placement in a
 * run. Each step is on record in the platform's log, before and after. One placement that fails holds up no other.
 * @throws AggregateError when one failed, after it was written down
 */
export async function retireMonths(env: Env): Promise<void> {
  await recordLost(env);
  const due = await env.AUDIT_SINK.dueMonths(await call(env));
  const failures: unknown[] = [];
  for (const of of due) await retireOne(env, of).catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw new AggregateError(failures, "a month of the audit log could not be retired");
}

/** A run that died behind a month's end, before it could write that down: the database's own ledger has it. */
async function recordLost(env: Env): Promise<void> {
  const retired = await env.AUDIT_SINK.retiredMonths(await call(env));
  if (retired.length === 0) return;
  const written = await detachedOnRecord(env);
  for (const { entries, seal, placement, month } of retired)
    if (!written.has(seal)) await record(env, { placement, month }, "detached", entries, seal);
}

/** Seals of the months that are on record as detached, as far back as the ledger is asked for and a day more. */
async function detachedOnRecord(env: Env): Promise<Set<string>> {
  const seals = new Set<string>();
  const filter = {
    type: "audit_month",
    actor: null,
    fromMs: Date.now() - lookedBackMs,
    toMs: null,
    limit: 100,
  } as const;
  for (let beforeSeq: number | null = null; ; ) {
    const page: Awaited<ReturnType<AuditLogMethods["list"]>> = await platformLog(env).list(recordedIn, {
      ...filter,
      beforeSeq,
    });
    for (const { event } of page.items)
      if (event.type === "audit_month" && event.action === "detached" && event.seal !== null) seals.add(event.seal);
    if (page.nextBeforeSeq === null) return seals;
    beforeSeq = page.nextBeforeSeq;
  }
}

async function record(
  env: Env,
  of: MonthOf,
  action: MonthEvent["action"],
  entries: number | null,
  seal: string | null,
): Promise<void> {
  const event: MonthEvent = { type: "audit_month", ...of, action, entries, seal };
  await platformLog(env).append(recordedIn, newRequestId(), [event]);
}

async function retireOne(env: Env, of: MonthOf): Promise<void> {
  await record(env, of, "begun", null, null);
  try {
    const { entries, seal } = await sealMonth(of, sourcesOf(env, of));
    await record(env, of, "sealed", entries, seal);
    await env.AUDIT_SINK.retireMonth(await call(env), of, entries, seal);
    await record(env, of, "detached", entries, seal);
  } catch (error) {
    await record(env, of, "failed", null, null);
    throw error;
  }
}

function sourcesOf(env: Env, of: MonthOf): MonthSources {
  return {
    bucket: env.AUDIT_COPY,
    read: async (after) => await env.AUDIT_SINK.readMonth(await call(env), of, after),
    signed: async (name) => {
      const log = parseLogName(name);
      if (log === null) return null;
      const { keys } = await keyRing(env).logKeys();
      return await SignedLeaves.of(log, env.AUDIT_LOG.getByName(log) as unknown as Shown, keys);
    },
  };
}

/** Both spelled out because an RPC stub's own type is deeper than it need be. */
const platformLog = (env: Env) =>
  env.AUDIT_LOG.getByName(recordedIn) as unknown as Pick<AuditLogMethods, "append" | "list">;
const keyRing = (env: Env): HeadSigner => env.KEY_RING.getByName(keyRingName) as unknown as HeadSigner;

const newRequestId = (): string => makeId("request", Date.now(), crypto.getRandomValues(new Uint8Array(10)));

const call = (env: Env) => objectCaller(env).asJob("data.audit-sink", "audit_drain", null, newRequestId());
