import type { AuditFields } from "../../../core/audit/events.ts";
import { parseLogName } from "../../../core/audit/logs.ts";
import { makeId } from "../../../core/ids.ts";
import type { Env } from "../../env.ts";
import { keyRingName, objectCaller } from "../../mesh.ts";
import type { HeadSigner } from "../published-log.ts";
import { type MonthOf, type MonthSources, sealMonth } from "./retire-month.ts";
import { type Shown, SignedLeaves } from "./signed-leaves.ts";

type MonthEvent = Extract<AuditFields, { type: "audit_month" }>;

/** Where it is written down what became of a month: a table of many organisations is nobody's. */
const recordedIn = "platform-0";

/**
 * The clock's: months of the audit table that are older than seven years leave it, the oldest of each placement in a
 * run. Each step is on record in the platform's log, before and after. One placement that fails holds up no other.
 * @throws AggregateError when one failed, after it was written down
 */
export async function retireMonths(env: Env): Promise<void> {
  const due = await env.AUDIT_SINK.dueMonths(await call(env));
  const failures: unknown[] = [];
  for (const of of due) await retireOne(env, of).catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw new AggregateError(failures, "a month of the audit log could not be retired");
}

async function retireOne(env: Env, of: MonthOf): Promise<void> {
  const record = async (action: MonthEvent["action"], entries: number | null, seal: string | null): Promise<void> => {
    const event: MonthEvent = { type: "audit_month", ...of, action, entries, seal };
    await env.AUDIT_LOG.getByName(recordedIn).append(recordedIn, newRequestId(), [event]);
  };
  await record("begun", null, null);
  try {
    const { entries, seal } = await sealMonth(of, sourcesOf(env, of));
    await record("sealed", entries, seal);
    await env.AUDIT_SINK.retireMonth(await call(env), of, entries, seal);
    await record("detached", entries, seal);
  } catch (error) {
    await record("failed", null, null);
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

/** Spelled out because an RPC stub's own type is deeper than it need be. */
const keyRing = (env: Env): HeadSigner => env.KEY_RING.getByName(keyRingName) as unknown as HeadSigner;

const newRequestId = (): string => makeId("request", Date.now(), crypto.getRandomValues(new Uint8Array(10)));

const call = (env: Env) => objectCaller(env).asJob("data.audit-sink", "audit_drain", null, newRequestId());
