import { reasonCodes } from "../../core/mqtt/reason-codes.ts";
import type { HubStanding } from "../../core/rpc/durable-objects.ts";
import { type OrgState, parseOrgState, shutCode } from "../../core/tenancy/org-state.ts";
import { parsePlan } from "../../core/tenancy/plan.ts";
import { refusal } from "./broker/closes.ts";
import type { Close } from "./broker/events.ts";
import { readMeta, writeMeta } from "./shards/tables.ts";

/**
 * What a hub takes its organisation for until it is told: open, for Studio tells it before anything can be refused, and
 * on the smallest plan, where everybody begins: strangers make organisations, and nobody tells their hubs anything.
 */
const untold: HubStanding = { state: "active", plan: "free", version: 0 };

/**
 * How long a client of a shut organisation is asked to stay away, in seconds: at least, and how much longer at
 * most. Everybody is back within five minutes of its opening, and 5,000 devices ask some 30 times a second.
 */
const awaySecondsMin = 60;
const awaySecondsSpread = 240;

/** What the object stored. @throws when it stored something else: then it serves nobody */
export function readStanding(sql: SqlStorage): HubStanding {
  const text = readMeta(sql, "standing");
  return text === null ? untold : parseStanding(JSON.parse(text));
}

export function writeStanding(sql: SqlStorage, standing: HubStanding): void {
  writeMeta(sql, "standing", JSON.stringify(standing));
}

/** What studio says, or what was stored. @throws when it is none */
export function parseStanding(value: unknown): HubStanding {
  const { state, plan = untold.plan, version } = (value ?? {}) as Record<string, unknown>;
  const parsed = parseOrgState(state);
  // Absent in what was stored, or said by a Studio from, before hubs heard of plans (migrations/control/0016 has them told).
  const parsedPlan = parsePlan(plan);
  if (
    parsed === null ||
    parsedPlan === null ||
    typeof version !== "number" ||
    !Number.isSafeInteger(version) ||
    version < 0
  )
    throw new Error("not an organisation's standing");
  return { state: parsed, plan: parsedPlan, version };
}

/**
 * How the sockets of an organisation that is shut are closed: 5.0 hears DISCONNECT 0x98 with the problem's code
 * and when to come back, which is no word against its credentials.
 * @param random 0 ≤ random < 1
 */
export function shutClose(state: Exclude<OrgState, "active">, random: number): Close {
  const seconds = awaySecondsMin + Math.floor(random * awaySecondsSpread);
  return refusal(`${shutCode(state)}; retry after ${seconds} s`, reasonCodes.administrative_action);
}
