import { randomBytes } from "node:crypto";
import { makeId } from "../../../core/ids.ts";
import type { Row } from "../report.ts";
import { median } from "../statistics.ts";
import type { LogObjects } from "./objects.ts";
import type { AppendPeer } from "./peers.ts";

/** One call after another; sixteen at once; and as a request with its consequences writes, several in one. */
const cases = [
  { what: "one entry a call, one call at a time", calls: 1000, batch: 1, lanes: 1 },
  { what: "one entry a call, 16 calls at once", calls: 2000, batch: 1, lanes: 16 },
  { what: "32 entries a call, one call at a time", calls: 100, batch: 32, lanes: 1 },
] as const;

/**
 * Entries per second that one log's object makes durable, with the tree and its checkpoints, beside plain rows in an
 * object and what others make durable in as many calls.
 */
export async function benchAppends(
  { origin }: LogObjects,
  peers: readonly AppendPeer[],
  rounds: number,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { what, calls, batch, lanes } of cases) {
    const rates = { log: [] as number[], plain: [] as number[] };
    const others = peers.map(() => [] as number[]);
    const log = makeId("org", Date.now(), randomBytes(10));
    for (let round = 0; round < rounds; round += 1) {
      for (const subject of ["plain", "log"] as const) {
        const query = new URLSearchParams({
          what: subject,
          log,
          calls: `${calls}`,
          batch: `${batch}`,
          lanes: `${lanes}`,
        });
        const startedAt = performance.now();
        const answer = await fetch(`${origin}/?${query}`);
        if (!answer.ok) throw new Error(`the log answered ${answer.status}`);
        await answer.body?.cancel();
        rates[subject].push((calls * batch) / ((performance.now() - startedAt) / 1000));
      }
      for (const [index, peer] of peers.entries())
        if (lanes <= peer.lanesMax) others[index]?.push(await peer.rate(calls, batch, lanes));
    }
    const signedMs = await signedWithin(origin, log, Math.floor((rounds * calls * batch) / 1000) * 1000);
    const beside = peers.map(({ name }, index) => `${name}: ${perSecond(others[index] ?? [])}`);
    rows.push({
      what: `audit: ${what}; signed up to the last thousand ${(signedMs / 1000).toFixed(1)} s after the last`,
      value: `${Math.round(median(rates.log))} entries/s`,
      beside: [`plain rows in an object: ${perSecond(rates.plain)}`, ...beside].join("; "),
    });
  }
  return rows;
}

const perSecond = (rates: readonly number[]): string =>
  rates.length === 0 ? "not measured" : `${Math.round(median(rates))}/s`;

/** Milliseconds until a log's newest checkpoint covers so many entries. @throws Error after a minute */
async function signedWithin(origin: string, log: string, entries: number): Promise<number> {
  const startedAt = performance.now();
  for (;;) {
    const signed = Number(await (await fetch(`${origin}/?what=log&log=${log}&lanes=0`)).text());
    const ms = performance.now() - startedAt;
    if (signed >= entries) return ms;
    if (ms > 60_000) throw new Error(`only ${signed} of ${entries} entries were signed within a minute`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
