import { milliseconds, type Row } from "../report.ts";
import { median, quantile } from "../statistics.ts";
import type { AuditWorld } from "./world.ts";

const requestsARound = 400;
const warmUp = 150;
/** So many before the other has its turn: neighbours share what else the machine does. */
const block = 25;

const states = ["quiet", "real"] as const;

/**
 * What the log adds to a request: the same route through edge, studio and the rest with its entries durable before the
 * answer, and with the log answering at once and nothing written, in turn. What studio signs for the call is in both.
 */
export async function benchRequests(world: AuditWorld, rounds: number): Promise<Row[]> {
  const { api } = world.demo;
  const { id } = await api.send<{ id: string }>("POST", "/api/v1/orgs/demo/groups", { name: "bench" });
  const routes = [
    { what: "GET /orgs/{org}/members, one entry", send: () => api.send("GET", "/api/v1/orgs/demo/members") },
    {
      what: "PATCH /orgs/{org}/groups/{group}, an intent and an outcome",
      send: (index: number) => api.send("PATCH", `/api/v1/orgs/demo/groups/${id}`, { name: `bench ${index}` }),
    },
  ];
  const rows: Row[] = [];
  for (const { what, send } of routes) {
    const found = { quiet: { p50: [], p99: [] }, real: { p50: [], p99: [] } } as Record<
      (typeof states)[number],
      Record<"p50" | "p99", number[]>
    >;
    for (let index = 0; index < warmUp; index += 1) await send(index);
    for (let round = 0; round < rounds; round += 1) {
      const samples = { quiet: [] as number[], real: [] as number[] };
      while (samples.real.length < requestsARound) {
        for (const state of states) {
          await world.turn(state);
          for (let index = 0; index < block; index += 1) {
            const startedAt = performance.now();
            await send(index);
            samples[state].push(performance.now() - startedAt);
          }
        }
      }
      for (const state of states) {
        found[state].p50.push(quantile(samples[state], 0.5));
        found[state].p99.push(quantile(samples[state], 0.99));
      }
    }
    await world.turn("real");
    for (const at of ["p50", "p99"] as const) {
      const added = found.real[at].map((value, round) => value - (found.quiet[at][round] ?? Number.NaN));
      rows.push({
        what: `audit: ${what}, ${at}`,
        value: `${milliseconds(median(found.real[at]))}, ${milliseconds(median(added))} more than without`,
        beside: `the log writes nothing: ${milliseconds(median(found.quiet[at]))}`,
      });
    }
  }
  return rows;
}
