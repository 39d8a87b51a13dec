/**
 * Telemetry at scale: what a tenant's database takes in, rolls up and answers.
 * By itself, with as many rows as there is room for: `node test/bench/data/telemetry.ts 100000000 [FOLDER]`.
 */
import { fileURLToPath } from "node:url";
import type { DeviceId } from "../../../core/ids.ts";
import { type Statement, sql } from "../../../store/connect.ts";
import { rawMeans, rolledUpMeans } from "../../../store/tenant/telemetry.ts";
import { ingestWork } from "../../../workers/data/ingest/statements.ts";
import { ingestRecordsMax } from "../../../workers/data/ingest/write-records.ts";
import { milliseconds, printReport, type Row } from "../report.ts";
import { quantile } from "../statistics.ts";
import { enrolMany, fillDay, startTelemetryWorld, type TelemetryWorld } from "./telemetry-world.ts";

const dayMs = 86_400_000;
const deviceCount = 1000;
/** One every 25 seconds; a thousand devices make 100 million in 29 days, which is what is kept. */
const samplesPerDevice = 3456;
const daysMax = 29;
/** The last days are rolled up and looked at; those before them lie there, as most of a table does. */
const rolledUpDays = 2;
/** Batches of one measurement of Ingest, the first of which are left out. */
const batches = 40;
const batchesWarmUp = 5;
const charts = 200;
/** Device-hours of one transaction of the job. */
const hoursPerRun = 100;
/** One day and two. */
const sizesDefault = [3_456_000, 6_912_000];

const thousands = (count: number): string => Math.round(count).toLocaleString("en-GB");

/** Fills table after table and asks each the same; the last size is reached day by day. */
export async function benchTelemetry(sizes: readonly number[] = sizesDefault, folder?: string): Promise<Row[]> {
  const world = await startTelemetryWorld(folder);
  try {
    const devices = await enrolMany(world, deviceCount);
    const rows: Row[] = [];
    const todayMs = Math.floor(Date.now() / dayMs) * dayMs;
    let days = 0;
    for (const size of [...sizes].sort((a, b) => a - b)) {
      while (days * deviceCount * samplesPerDevice < size && days < daysMax) {
        days += 1;
        const marked = days <= rolledUpDays;
        await fillDay(world, devices, todayMs - days * dayMs, samplesPerDevice, marked);
        process.stderr.write(`${thousands(days * deviceCount * samplesPerDevice)} samples\n`);
      }
      const filled = days * deviceCount * samplesPerDevice;
      const measured = [...(await rollUp(world)), ...(await chartRows(world, devices, days, todayMs, filled))];
      // Told as it comes: the next size may take long.
      for (const { what, value, beside } of measured) process.stderr.write(`| ${what} | ${value} | ${beside} |\n`);
      rows.push(...measured);
    }
    const filled = days * deviceCount * samplesPerDevice;
    rows.push(await ingestRow(world, devices, filled));
    rows.push(await sizeRow(world, filled));
    return rows;
  } finally {
    await world.stop();
  }
}

/** Everything that is marked, as the job does it. */
async function rollUp(world: TelemetryWorld): Promise<Row[]> {
  let hours = 0;
  const startedAt = performance.now();
  for (let done = hoursPerRun; done === hoursPerRun; hours += done) {
    const [rows] = await world.run("system", sql`SELECT telemetry_roll_up(${hoursPerRun}) AS hours`);
    done = Number(rows?.[0]?.["hours"]);
  }
  const seconds = (performance.now() - startedAt) / 1000;
  for (const table of ["telemetry_minutes", "telemetry_hours", "telemetry_dirty"])
    await world.admin.query(`VACUUM ANALYZE ${world.schema}.${table}`);
  if (hours === 0) return [];
  const samples = (hours * samplesPerDevice) / 24;
  return [
    {
      what: `rolled up: ${thousands(samples)} samples of 2 metrics`,
      value: `${thousands(samples / seconds)} samples/s`,
      beside: `${thousands(hours / seconds)} device-hours/s`,
    },
  ];
}

/** A chart of 24 h by the minute: what a dashboard asks. Server time is Postgres's planning and execution. */
async function chartRows(
  world: TelemetryWorld,
  devices: readonly DeviceId[],
  days: number,
  todayMs: number,
  filled: number,
): Promise<Row[]> {
  const server: number[] = [];
  const client: number[] = [];
  const pages: number[] = [];
  const rawServer: number[] = [];
  for (let index = 0; index < charts; index += 1) {
    // Another device and another day each time: what one look has brought into memory helps the next little.
    const device = devices[(index * 617) % devices.length] as DeviceId;
    const fromMs = todayMs - (1 + (index % Math.min(days, rolledUpDays))) * dayMs;
    const range = { fromMs, toMs: fromMs + dayMs, stepSeconds: 60 };
    const statement = rolledUpMeans(device, { ...range, resolution: "minute" });
    const plan = await explain(world, statement);
    server.push(plan.ms);
    pages.push(plan.pages);
    const startedAt = performance.now();
    await world.run("owner", statement);
    client.push(performance.now() - startedAt);
    if (index < charts / 4) rawServer.push((await explain(world, rawMeans(device, range))).ms);
  }
  const of = `of ${thousands(filled)} samples`;
  return [
    {
      what: `chart of 24 h by the minute, ${of}, server time p50`,
      value: milliseconds(quantile(server, 0.5)),
      beside: `from the samples themselves: ${milliseconds(quantile(rawServer, 0.5))}`,
    },
    {
      what: "the same, p99",
      value: milliseconds(quantile(server, 0.99)),
      beside: `from the samples themselves: ${milliseconds(quantile(rawServer, 0.99))}`,
    },
    { what: "the same, pages (8 KiB) touched, p50", value: thousands(quantile(pages, 0.5)), beside: "–" },
    {
      what: "the same through the driver and the gateway, right after, p50",
      value: milliseconds(quantile(client, 0.5)),
      beside: `p99 ${milliseconds(quantile(client, 0.99))}`,
    },
  ];
}

interface Explained {
  readonly "Planning Time": number;
  readonly "Execution Time": number;
  readonly Plan: { readonly "Shared Hit Blocks": number; readonly "Shared Read Blocks": number };
}

async function explain(world: TelemetryWorld, statement: Statement): Promise<{ ms: number; pages: number }> {
  const [rows] = await world.run("owner", sql`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${statement}`);
  const plans = rows?.[0]?.["QUERY PLAN"] as Explained[] | undefined;
  const explained = plans?.[0];
  if (explained === undefined) throw new Error("Postgres explained nothing");
  const { Plan: top } = explained;
  return {
    ms: explained["Planning Time"] + explained["Execution Time"],
    pages: top["Shared Hit Blocks"] + top["Shared Read Blocks"],
  };
}

/** Batches as the hub sends them, one after another, into a table that is as large as it got. */
async function ingestRow(world: TelemetryWorld, devices: readonly DeviceId[], filled: number): Promise<Row> {
  const startMs = Date.now() - batches * 10_000;
  const times: number[] = [];
  for (let batch = 0; batch < batches; batch += 1) {
    const records = Array.from({ length: ingestRecordsMax }, (_, index) => {
      const at = new Date(startMs + batch * 10_000 + index).toISOString();
      const metrics = { cpu_percent: index % 100, memory_used_bytes: 1e9 + index };
      const sampleId = `b${batch}-${index}`;
      const device = devices[index % devices.length] as DeviceId;
      return { kind: "telemetry", device, sampleId, at, receivedAt: at, metrics } as const;
    });
    const startedAt = performance.now();
    await world.run("system", ...ingestWork(records).statements);
    if (batch >= batchesWarmUp) times.push(performance.now() - startedAt);
  }
  const each = quantile(times, 0.5);
  return {
    what: `stored by Ingest's statement into ${thousands(filled)} samples, ${ingestRecordsMax} a batch, one batch at a time`,
    value: `${thousands((ingestRecordsMax / each) * 1000)} samples/s`,
    beside: `${milliseconds(each)} a batch, p99 ${milliseconds(quantile(times, 0.99))}`,
  };
}

async function sizeRow({ admin, schema }: TelemetryWorld, filled: number): Promise<Row> {
  const bytes = async (parent: string): Promise<number> => {
    const { rows } = await admin.query<{ bytes: string }>(
      "SELECT sum(pg_total_relation_size(inhrelid)) AS bytes FROM pg_inherits WHERE inhparent = $1::regclass",
      [`${schema}.${parent}`],
    );
    return Number(rows[0]?.bytes);
  };
  const perSample = async (parent: string): Promise<string> => `${Math.round((await bytes(parent)) / filled)} B`;
  return {
    what: "on disk for each sample of 2 metrics, with its index",
    value: await perSample("telemetry"),
    beside: "–",
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const sizes = process.argv
    .slice(2)
    .filter((text) => /^\d+$/.test(text))
    .map(Number);
  const folder = process.argv.slice(2).find((text) => !/^\d+$/.test(text));
  printReport(await benchTelemetry(sizes.length > 0 ? sizes : sizesDefault, folder), `${charts} charts`);
}
