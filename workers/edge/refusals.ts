import type { OrgId } from "../../core/ids.ts";
import type { EdgeEventsRpc, EdgeRefusals } from "../../core/rpc/durable-objects.ts";
import { createFoldedReport } from "./folded-report.ts";

/** An isolate reports at most this often, in milliseconds: a flood of refusals is still one call each. */
export const reportEveryMs = 3_000;
/**
 * Different (organisation, gate, code, country) in one report. Organisations are only ever existing
 * ones and the rest are short lists; past this, counts fold into one row without organisation and country.
 */
export const refusalRowsMax = 256;

export interface Refusal {
  readonly org: OrgId | null;
  readonly gate: string;
  readonly code: string;
  readonly country: unknown;
}

export interface RefusalCounter {
  count(refusal: Refusal): void;
  /**
   * Sends what has been counted, after a pause that gathers more. Resolves when it is sent.
   * @returns null when nothing was counted, or another request's call waits already
   */
  reportLater(events: Pick<EdgeEventsRpc, "report">, pause: (ms: number) => Promise<void>): Promise<void> | null;
}

/** Refusals are evidence of noise, so those that could not be reported wait for the next report; they stay few. */
export function createRefusalCounter(now: () => number): RefusalCounter {
  const folded = createFoldedReport<EdgeRefusals>(
    {
      pauseMs: reportEveryMs,
      rowsMax: refusalRowsMax,
      // One for each gate and code more.
      allRowsMax: Number.POSITIVE_INFINITY,
      keyOf: ({ org, gate, code, country }) => `${org ?? "-"} ${gate} ${code} ${country}`,
      coarser: (row) => ({ ...row, org: null, country: unknownCountry }),
      merge: (before, { count, firstAtMs, lastAtMs }) => ({
        ...before,
        count: before.count + count,
        firstAtMs: Math.min(before.firstAtMs, firstAtMs),
        lastAtMs: Math.max(before.lastAtMs, lastAtMs),
      }),
      keepsUnsent: true,
    },
    now,
  );
  return {
    count({ org, gate, code, country }) {
      const atMs = now();
      folded.add({ org, gate, code, country: countryLabel(country), count: 1, firstAtMs: atMs, lastAtMs: atMs });
    },
    reportLater: (events, pause) => folded.sendLater(pause, (rows) => events.report(rows)),
  };
}

const unknownCountry = "XX";

/** Two characters as Cloudflare gives them, Tor's `T1` included; anything else is unknown. */
function countryLabel(country: unknown): string {
  return typeof country === "string" && /^[A-Z][A-Z0-9]$/.test(country) ? country : unknownCountry;
}
