/**
 * One visit of the telemetry job to one organisation. The work is done by functions of the schema
 * (migrations/tenant/0003_telemetry.sql), each call a transaction of its own: killed at any point, what
 * was committed is right and the rest is still due.
 */
import type { OrgId } from "../../../core/ids.ts";
import { type Statement, sql } from "../../../store/connect.ts";
import { runAsSystem } from "../tenant-access.ts";
import type { DataUnit } from "../unit.ts";

/** Work of one transaction: each stays well under the role's statement timeout of 10 s, on a busy server too. */
export const workPerCall = {
  /** Device-hours: at a sample a second, 3,600 samples each. */
  hours: 200,
  /** Rows. */
  swept: 5_000,
  moved: 5_000,
} as const;
/** Calls of one visit: one organisation's backlog doesn't take a run for itself. */
const callsMax = 10;

export interface Visit {
  /** Device-hours. */
  readonly rolledUp: number;
  /** Whole partitions. */
  readonly dropped: number;
  /** True when there is more to do that could be done at once. */
  readonly more: boolean;
}

/** @throws TenantNotReady, DatabaseError */
export async function tendTelemetry(unit: DataUnit, org: OrgId): Promise<Visit> {
  const number = async (statement: Statement): Promise<number> => {
    const [rows] = await runAsSystem(unit, org, [statement]);
    return Number(rows?.[0]?.["done"]);
  };
  const repeat = async (statement: Statement, full: number): Promise<{ done: number; more: boolean }> => {
    let done = 0;
    for (let call = 1; call <= callsMax; call += 1) {
      const last = await number(statement);
      done += last;
      if (last < full) return { done, more: false };
    }
    return { done, more: true };
  };
  const { hours, moved, swept } = workPerCall;
  // A device that was removed comes first: what is swept needs no rolling up.
  const sweeping = await repeat(sql`SELECT telemetry_sweep(${swept}) AS done`, swept);
  const moving = await repeat(sql`SELECT telemetry_move(${moved}) AS done`, moved);
  const rolling = await repeat(sql`SELECT telemetry_roll_up(${hours}) AS done`, hours);
  // Last, and by itself: it locks the table for a moment.
  const dropped = await number(sql`SELECT telemetry_retain() AS done`);
  return { rolledUp: rolling.done, dropped, more: sweeping.more || moving.more || rolling.more };
}
