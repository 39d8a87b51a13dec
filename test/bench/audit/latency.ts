import { randomBytes } from "node:crypto";
import { Agent, request } from "node:http";
import { makeId } from "../../../core/ids.ts";
import type { Row } from "../report.ts";
import { type Latency, median, overRounds } from "../statistics.ts";
import type { LogObjects } from "./objects.ts";

/** Entries a second that are offered, evenly, whether or not those before have been answered. */
const offered = [100, 500] as const;
const secondsARound = 4;
/** As many calls at once as an organisation's busiest moment has; the next begins when one ends. */
const lanesSaturated = 16;
const callsSaturated = 3000;

const subjects = ["none", "plain", "log"] as const;
type Subject = (typeof subjects)[number];

/**
 * How long one entry takes until it is durable: a Worker asks the log's object, and is timed from outside, so every
 * figure has a loopback request in it, which `none` shows by itself.
 */
export async function benchLatency({ origin }: LogObjects, rounds: number): Promise<Row[]> {
  const log = makeId("org", Date.now(), randomBytes(10));
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const once = (subject: Subject): Promise<void> => get(agent, `${origin}/?once&what=${subject}&log=${log}&batch=1`);
  const rows: Row[] = [];
  try {
    for (let warm = 0; warm < 200; warm += 1) for (const subject of subjects) await once(subject);
    for (const rate of offered) {
      const samples = await interleaved(rounds, async (subject) => await openLoop(rate, () => once(subject)));
      rows.push(rowOf(`at ${rate} a second`, samples));
    }
    const rates: Record<Subject, number[]> = { none: [], plain: [], log: [] };
    const samples = await interleaved(rounds, async (subject) => {
      const { ms, rate } = await closedLoop(() => once(subject));
      rates[subject].push(rate);
      return ms;
    });
    rows.push(rowOf(`saturated, ${lanesSaturated} calls at once (${Math.round(median(rates.log))}/s)`, samples));
    return rows;
  } finally {
    agent.destroy();
  }
}

type Samples = Record<Subject, number[][]>;

async function interleaved(rounds: number, measure: (subject: Subject) => Promise<number[]>): Promise<Samples> {
  const samples: Samples = { none: [], plain: [], log: [] };
  for (let round = 0; round < rounds; round += 1)
    for (const subject of subjects) samples[subject].push(await measure(subject));
  return samples;
}

function rowOf(what: string, samples: Samples): Row {
  const text = ({ p50, p99 }: Latency): string => `${p50.toFixed(2)} / ${p99.toFixed(2)} ms`;
  return {
    what: `audit: one entry durable, ${what}, p50 / p99`,
    value: text(overRounds(samples.log)),
    beside: `plain row in an object: ${text(overRounds(samples.plain))}; the call alone: ${text(overRounds(samples.none))}`,
  };
}

/** A call begins when it is due, whatever became of those before, and its waiting for them counts. */
async function openLoop(rate: number, call: () => Promise<void>): Promise<number[]> {
  const ms: number[] = [];
  const running: Promise<void>[] = [];
  const startedAt = performance.now();
  const count = rate * secondsARound;
  for (let index = 0; index < count; index += 1) {
    const dueAt = startedAt + (index * 1000) / rate;
    const early = dueAt - performance.now();
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    const begunAt = performance.now();
    running.push(call().then(() => void ms.push(performance.now() - begunAt)));
  }
  await Promise.all(running);
  return ms;
}

async function closedLoop(call: () => Promise<void>): Promise<{ ms: number[]; rate: number }> {
  const ms: number[] = [];
  let next = 0;
  const startedAt = performance.now();
  const lane = async (): Promise<void> => {
    for (let index = next++; index < callsSaturated; index = next++) {
      const begunAt = performance.now();
      await call();
      ms.push(performance.now() - begunAt);
    }
  };
  await Promise.all(Array.from({ length: lanesSaturated }, lane));
  return { ms, rate: callsSaturated / ((performance.now() - startedAt) / 1000) };
}

/** Without fetch's own weight, which is as much as what is measured. @throws Error for what is no 204 */
function get(agent: Agent, url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent }, (answer) => {
      answer.resume();
      answer.once("end", () => (answer.statusCode === 204 ? resolve() : reject(new Error(`${answer.statusCode}`))));
    });
    sent.once("error", reject);
    sent.end();
  });
}
