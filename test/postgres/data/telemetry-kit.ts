/** Telemetry as the hub delivers it and the job works on it, and what then stands in the tables. */
import type { DeviceId } from "../../../core/ids.ts";
import { type Row, sql, unsafeRawSql } from "../../../store/connect.ts";
import { ingestWork, type SamplesStored } from "../../../workers/data/ingest/statements.ts";
import { asSuperuser, connect, type FreshTenant } from "../support.ts";

export const minuteMs = 60_000;
export const hourMs = 3_600_000;
export const dayMs = 86_400_000;
/** Midnight (UTC) of so many days ago. */
export const midnight = (daysAgo: number): number => (Math.floor(Date.now() / dayMs) - daysAgo) * dayMs;

export interface Sample {
  readonly device: DeviceId;
  readonly id: string;
  readonly atMs: number;
  /** Now, when absent. */
  readonly receivedMs?: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** One batch, as Ingest stores it. */
export async function store(tenant: FreshTenant, samples: readonly Sample[]): Promise<SamplesStored> {
  const records = samples.map(({ device, id, atMs, receivedMs = Date.now(), metrics }) => {
    const [at, receivedAt] = [new Date(atMs).toISOString(), new Date(receivedMs).toISOString()];
    return { kind: "telemetry", device, sampleId: id, at, receivedAt, metrics } as const;
  });
  const work = ingestWork(records);
  return work.counts(await tenant.run("system", null, ...work.statements));
}

const done = (rows: Row[][]): number => Number(rows[0]?.[0]?.["done"]);
export const rollUp = async (tenant: FreshTenant, most = 1000): Promise<number> =>
  done(await tenant.run("system", null, sql`SELECT telemetry_roll_up(${most}) AS done`));
export const retain = async (tenant: FreshTenant): Promise<number> =>
  done(await tenant.run("system", null, sql`SELECT telemetry_retain() AS done`));
export const sweep = async (tenant: FreshTenant, most = 1000): Promise<number> =>
  done(await tenant.run("system", null, sql`SELECT telemetry_sweep(${most}) AS done`));

/** A session of the tenant's role with a job's scope, in a transaction that the test ends, or kills. */
export async function openJob(tenant: FreshTenant): Promise<{
  query(text: string, values?: unknown[]): Promise<Row[]>;
  commit(): Promise<void>;
  kill(): Promise<void>;
}> {
  const client = await connect(tenant.url);
  client.on("error", () => undefined);
  await client.query("BEGIN");
  await client.query("SELECT set_config('sentinel.scope', $1, true)", [await tenant.rowScope("system")]);
  const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  return {
    query: async (text, values = []) => (await client.query<Row>(text, values)).rows,
    async commit() {
      await client.query("COMMIT");
      await client.end();
    },
    async kill() {
      await asOwner(tenant, `SELECT pg_terminate_backend(${rows[0]?.pid})`);
      await client.end().catch(() => undefined);
    },
  };
}

/** As somebody whom no policy binds; `{schema}` is the tenant's. */
export const asOwner = (tenant: FreshTenant, text: string, values: unknown[] = []): Promise<Row[]> =>
  asSuperuser(text.replaceAll("{schema}", tenant.name), values, tenant.placement);

/** Names of a table's partitions. */
export async function partitions(tenant: FreshTenant, parent: string): Promise<string[]> {
  const rows = await asOwner(
    tenant,
    `SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = '{schema}.${parent}'::regclass ORDER BY 1`,
  );
  return rows.map((row) => String(row["relname"]));
}
export const dayPartition = (atMs: number): string =>
  `telemetry_d${new Date(atMs).toISOString().slice(0, 10).replaceAll("-", "")}`;

/** What was counted of one metric over one minute or hour. */
export type Slot = readonly [
  device: string,
  metric: string,
  atMs: number,
  count: number,
  sum: number | null,
  low: number | null,
  high: number | null,
];

/** Everything in a roll-up, in an order of its own. */
export async function rolledUp(tenant: FreshTenant, resolution: "minute" | "hour"): Promise<Slot[]> {
  const [table, seconds] = resolution === "minute" ? ["telemetry_minutes", 60] : ["telemetry_hours", 3600];
  const [rows] = await tenant.run(
    "system",
    null,
    sql`SELECT device_id, metric, extract(epoch FROM start) * 1000 + slot * ${seconds}::integer * 1000 AS at_ms, n,
          total::float8 AS total, low::float8 AS low, high::float8 AS high
        FROM ${unsafeRawSql(table as string)}, unnest(slots, counts, sums, lows, highs) AS s(slot, n, total, low, high)`,
  );
  const slots = (rows ?? []).map(
    (row): Slot => [
      String(row["device_id"]),
      String(row["metric"]),
      Number(row["at_ms"]),
      Number(row["n"]),
      row["total"] as number | null,
      row["low"] as number | null,
      row["high"] as number | null,
    ],
  );
  return sorted(slots);
}

/** What a roll-up of these samples must say: each counted once. */
export function plainModel(samples: Iterable<Sample>, resolution: "minute" | "hour"): Slot[] {
  const spanMs = resolution === "minute" ? minuteMs : hourMs;
  const values = new Map<string, { key: [string, string, number]; numbers: (number | null)[] }>();
  for (const { device, atMs, metrics } of samples) {
    const slotMs = Math.floor(atMs / spanMs) * spanMs;
    for (const [metric, value] of [["", null] as const, ...Object.entries(metrics)]) {
      const name = JSON.stringify([device, metric, slotMs]);
      const slot = values.get(name) ?? { key: [device, metric, slotMs], numbers: [] };
      slot.numbers.push(value);
      values.set(name, slot);
    }
  }
  return sorted(
    [...values.values()].map(({ key, numbers }): Slot => {
      const known = numbers.filter((value) => value !== null);
      if (known.length === 0) return [...key, numbers.length, null, null, null];
      const total = known.reduce((sum, value) => sum + value, 0);
      return [...key, numbers.length, total, Math.min(...known), Math.max(...known)];
    }),
  );
}

const sorted = (slots: Slot[]): Slot[] =>
  slots.sort((a, b) => (JSON.stringify(a.slice(0, 3)) < JSON.stringify(b.slice(0, 3)) ? -1 : 1));
