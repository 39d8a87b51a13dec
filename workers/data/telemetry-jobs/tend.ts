/**
 * One visit of the telemetry job to one organisation. The work is done by functions of the schema
 * (migrations/tenant/0003_telemetry.sql), each call a transaction of its own: killed at any point, what
 * was committed is right and the rest is still due.
 */
import { DatabaseError, type Statement, sql, sqlState } from "../../../store/connect.ts";
import type { OrgScope } from "../../../store/control/org-scope.ts";
import { runAsSystem } from "../tenant-access.ts";
import type { DataUnit } from "../unit.ts";

/** Work of one transaction: well under the role's statement timeout of 10 s on a busy server, too. */
export const workPerCall = {
  /** Device-hours of some hundred samples each; of devices that send a hundred times as much, fewer (see below). */
  hours: 100,
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

interface Repeated {
  readonly done: number;
  readonly more: boolean;
}

/** @throws TenantNotReady, DatabaseError */
export async function tendTelemetry(unit: DataUnit, scope: OrgScope): Promise<Visit> {
  const number = async (statement: Statement): Promise<number> => {
    const [rows] = await runAsSystem(unit, scope, [statement]);
    return Number(rows?.[0]?.["done"]);
  };
  /** Calls until there is no full share of work left. A call that takes too long is halved, down to one thing. */
  const repeat = async (statement: (most: number) => Statement, full: number): Promise<Repeated> => {
    let done = 0;
    let most = full;
    for (let call = 1; call <= callsMax; call += 1) {
      try {
        const last = await number(statement(most));
        done += last;
        if (last < most) return { done, more: false };
      } catch (error) {
        const tooLong = error instanceof DatabaseError && error.code === sqlState.queryCanceled;
        if (!tooLong || most === 1) throw error;
        most = Math.ceil(most / 2);
      }
    }
    return { done, more: true };
  };
  const { hours, moved, swept } = workPerCall;
  // A device that was removed comes first: what is swept needs no rolling up.
  const sweeping = await repeat((most) => sql`SELECT telemetry_sweep(${most}) AS done`, swept);
  const moving = await repeat((most) => sql`SELECT telemetry_move(${most}) AS done`, moved);
  const rolling = await repeat((most) => sql`SELECT telemetry_roll_up(${most}) AS done`, hours);
  // Last, and by itself: it locks the table for a moment.
  const dropped = await number(sql`SELECT telemetry_retain() AS done`);
  return { rolledUp: rolling.done, dropped, more: sweeping.more || moving.more || rolling.more };
}
