import type { OrgId } from "../../core/ids.ts";
import type { EdgeEventsRpc, EdgeRefusals } from "../../core/rpc/durable-objects.ts";
import { createLateReport } from "./late-report.ts";
import { logFailure } from "./log.ts";

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
   * Sends what has been counted, after a pause that gathers more. Resolves when it is sent, at once
   * if another request's call is already waiting.
   */
  reportLater(events: Pick<EdgeEventsRpc, "report">, pause: (ms: number) => Promise<void>): Promise<void>;
}

/**
 * Counts refusals in the isolate's memory, so that an attacker can't make us write once a request.
 * Counts of an isolate that dies within the pause are lost: refusals are evidence of noise, and
 * what was admitted is in the audit log by itself.
 */
export function createRefusalCounter(now: () => number): RefusalCounter {
  /** Written by `count` and `reportLater`. Invariant: size ≤ refusalRowsMax + one folded row for each gate and code. */
  let rows = new Map<string, EdgeRefusals>();
  const late = createLateReport(reportEveryMs, now);

  const add = (row: EdgeRefusals): void => {
    let key = `${row.org ?? "-"} ${row.gate} ${row.code} ${row.country}`;
    let kept = row;
    if (!rows.has(key) && rows.size >= refusalRowsMax) {
      kept = { ...row, org: null, country: unknownCountry };
      key = `- ${row.gate} ${row.code} ${unknownCountry}`;
    }
    const before = rows.get(key);
    rows.set(
      key,
      before === undefined
        ? kept
        : {
            ...before,
            count: before.count + kept.count,
            firstAtMs: Math.min(before.firstAtMs, kept.firstAtMs),
            lastAtMs: Math.max(before.lastAtMs, kept.lastAtMs),
          },
    );
  };

  return {
    count({ org, gate, code, country }) {
      const atMs = now();
      add({ org, gate, code, country: countryLabel(country), count: 1, firstAtMs: atMs, lastAtMs: atMs });
    },
    async reportLater(events, pause) {
      if (rows.size === 0) return;
      await late(pause, async () => {
        const report = [...rows.values()];
        rows = new Map();
        try {
          await events.report(report);
        } catch (error) {
          logFailure({ event: "report_failed" }, error);
          for (const row of report) add(row);
        }
      });
    },
  };
}

const unknownCountry = "XX";

/** Two characters as Cloudflare gives them, Tor's `T1` included; anything else is unknown. */
function countryLabel(country: unknown): string {
  return typeof country === "string" && /^[A-Z][A-Z0-9]$/.test(country) ? country : unknownCountry;
}
