import { WorkerEntrypoint } from "cloudflare:workers";
import { refusalCountry, refusalWord } from "../../core/audit/field.ts";
import { type LogName, platformLog } from "../../core/audit/logs.ts";
import { parseId } from "../../core/ids.ts";
import type { EdgeEventsRpc, EdgeRefusals, EdgeTraffic, EdgeWafRecord } from "../../core/rpc/durable-objects.ts";
import { isAsn, surfaces } from "../../core/tenancy/geo-policy.ts";
import { parseNetwork } from "../../core/tenancy/network.ts";
import { parseWafRecord } from "../../core/tenancy/waf-record.ts";
import type { Env } from "../env.ts";
import type { Refusals } from "./refusal-buckets.ts";

/** Sums in one report. */
const refusalsMax = 500;
/** Refusals in one sum: what one isolate can refuse between two reports, amply. */
const countMax = 10_000_000;
/** Origins in one report of requests: twice what an isolate counts apart. */
const trafficRowsMax = 1000;
/** Records of judged requests in one report: twice what an isolate keeps apart. */
const wafRowsMax = 600;
/** How far back a report may reach, in milliseconds. */
const reportAgeMsMax = 3600_000;

/**
 * Refusals at the edge, counted there. It carries no assertion: a refused request has nobody behind
 * it, the binding is the authority, and the edge alone holds it. All it can do is add to a count.
 */
export class EdgeEvents extends WorkerEntrypoint<Env> implements EdgeEventsRpc {
  async report(refusals: readonly EdgeRefusals[]): Promise<void> {
    if (!Array.isArray(refusals) || refusals.length > refusalsMax) throw new Error("not a report of refusals");
    const nowMs = Date.now();
    const byLog = new Map<LogName, Refusals[]>();
    for (const reported of refusals) {
      const parsed = parseRefusals(reported, nowMs);
      // Each kind of refusal has its platform log, so its counts meet in one bucket.
      const log = parseLog(reported.org) ?? platformLog(`${parsed.gate} ${parsed.code} ${parsed.country}`);
      byLog.set(log, [...(byLog.get(log) ?? []), parsed]);
    }
    await Promise.all([...byLog].map(([log, sums]) => this.env.AUDIT_LOG.getByName(log).foldRefusals(log, sums)));
  }

  async traffic(rows: readonly EdgeTraffic[]): Promise<void> {
    if (!Array.isArray(rows) || rows.length > trafficRowsMax) throw new Error("not a report of requests");
    const byOrg = Map.groupBy(rows.map(parseTraffic), ({ org }) => org);
    await Promise.all(
      [...byOrg].map(([org, all]) => {
        const counts = all.map(({ org: _its, ...count }) => count);
        return this.env.AUDIT_LOG.getByName(org).foldTraffic(counts);
      }),
    );
  }

  async waf(rows: readonly EdgeWafRecord[]): Promise<void> {
    if (!Array.isArray(rows) || rows.length > wafRowsMax) throw new Error("not a report of judged requests");
    const nowMs = Date.now();
    const byOrg = Map.groupBy(
      rows.map((row) => parseWafRow(row, nowMs)),
      ({ org }) => org,
    );
    await Promise.all(
      [...byOrg].map(([org, all]) => {
        const counts = all.map(({ org: _its, ...count }) => count);
        return this.env.AUDIT_LOG.getByName(org).foldWaf(counts);
      }),
    );
  }
}

/** @throws Error for a record that our edge does not make */
function parseWafRow({ org, record, count, firstAtMs, lastAtMs }: EdgeWafRecord, nowMs: number): EdgeWafRecord {
  const parsedOrg = parseId("org", org);
  const parsed = parseWafRecord(record);
  const countOk = Number.isSafeInteger(count) && count >= 1 && count <= countMax;
  if (parsedOrg === null || parsed === null || !countOk || !Number.isFinite(firstAtMs) || !Number.isFinite(lastAtMs))
    throw new Error("not a record of judged requests");
  const within = withinReport(nowMs);
  const times = [within(firstAtMs), within(lastAtMs)];
  return { org: parsedOrg, record: parsed, count, firstAtMs: Math.min(...times), lastAtMs: Math.max(...times) };
}

/** @throws Error for a count that our edge does not make */
function parseTraffic({ org, surface, country, asn, network, admitted, count }: EdgeTraffic): EdgeTraffic {
  const parsedOrg = parseId("org", org);
  const known = surfaces.find((one) => one === surface);
  const countOk = Number.isSafeInteger(count) && count >= 1 && count <= countMax;
  const originOk = typeof country === "string" && refusalCountry.test(country) && (asn === 0 || isAsn(asn));
  if (parsedOrg === null || known === undefined || !countOk || !originOk || typeof admitted !== "boolean") {
    throw new Error("not a count of requests");
  }
  if (network !== "" && parseNetwork(network) === null) throw new Error("not a network");
  return { org: parsedOrg, surface: known, country, asn, network, admitted, count };
}

function parseLog(org: unknown): LogName | null {
  if (org === null) return null;
  const parsed = parseId("org", org);
  if (parsed === null) throw new Error("not an organisation");
  return parsed;
}

/** @throws Error for a sum that our edge does not make */
function parseRefusals(reported: EdgeRefusals, nowMs: number): Refusals {
  const { gate, code, country, count, firstAtMs, lastAtMs } = reported;
  const words = [gate, code].every((word) => typeof word === "string" && refusalWord.test(word));
  const countOk = Number.isSafeInteger(count) && count >= 1 && count <= countMax;
  if (!words || !countOk || !Number.isFinite(firstAtMs) || !Number.isFinite(lastAtMs)) {
    throw new Error("not a sum of refusals");
  }
  const within = withinReport(nowMs);
  return {
    gate,
    code,
    country: typeof country === "string" && refusalCountry.test(country) ? country : "XX",
    count,
    firstAtMs: within(Math.min(firstAtMs, lastAtMs)),
    lastAtMs: within(Math.max(firstAtMs, lastAtMs)),
  };
}

/** Another machine's clock: it may be a little off, never decide the log's dates. */
function withinReport(nowMs: number): (atMs: number) => number {
  return (atMs) => Math.round(Math.min(nowMs, Math.max(nowMs - reportAgeMsMax, atMs)));
}
