import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { Client } from "pg";
import type { ExportFormat } from "../../../core/exports/job.ts";
import { parseId } from "../../../core/ids.ts";
import { tenantIdentifier } from "../../../core/tenancy/identifiers.ts";
import { copyOut } from "../../../scripts/backup/copy.ts";
import { type Api, makeEnrollmentCode, signIn } from "../../e2e/support/api.ts";
import {
  freshStateDir,
  removeStateDir,
  type StackProcess,
  startStackProcess,
} from "../../e2e/support/stack-process.ts";
import type { Row } from "../report.ts";
import { median } from "../statistics.ts";

/** Sixty steps of devices. */
const rows = 300_000;
const formats = ["csv", "jsonl", "xlsx"] as const satisfies readonly ExportFormat[];
/** A minute each, so three are enough. */
const roundsMax = 3;

interface Measured {
  readonly seconds: number;
  readonly bytes: number;
  /** Resident memory of the whole workerd, before and at its highest. */
  readonly before: number;
  readonly peak: number;
}

/**
 * Whole exports through the whole stack, from the request to the state `done`: read under row-level security page by
 * page, formatted, sealed, checkpointed. Beside it COPY of the same rows by their owner, thrown away.
 */
export async function benchExports(rounds: number): Promise<Row[]> {
  const dir = freshStateDir();
  const stack = await startStackProcess(dir, ["--port", "0", "--quiet", "--no-agent", "--limit-scale", "100000"]);
  // The demo organisation, whose codes are made by its slug.
  const { url, owner, org } = stack.description;
  try {
    const schema = tenantIdentifier(parseId("org", org.id) ?? fail("no organisation"));
    const client = await connectTo(stack, schema);
    try {
      const { api } = await signIn(url, owner.email, owner.password);
      await makeEnrollmentCode(api);
      await fill(client, schema);
      await ask(api, "PUT", `/api/v1/orgs/${org.id}/export-settings`, { approval_rows: 2_000_000 });
      const copies: number[] = [];
      const measured: Record<(typeof formats)[number], Measured[]> = { csv: [], jsonl: [], xlsx: [] };
      for (let round = 0; round < Math.min(rounds, roundsMax); round += 1) {
        copies.push(await copy(client, schema));
        for (const format of formats) measured[format].push(await exported(api, stack, format));
      }
      const bare = `COPY TO CSV of the same rows: ${Math.round(rows / median(copies))} rows/s`;
      return formats.flatMap((format) => rowsOf(format, measured[format], bare));
    } finally {
      await client.end();
    }
  } finally {
    await stack.stop();
    removeStateDir(dir);
  }
}

const mib = (bytes: number): string => `${Math.round(bytes / 1024 ** 2)} MiB`;

function rowsOf(format: string, runs: readonly Measured[], bare: string): Row[] {
  const [last] = runs.slice(-1);
  const growth = Math.max(...runs.map(({ before, peak }) => peak - before));
  return [
    {
      what: `export of ${rows} devices as ${format} (${mib(last?.bytes ?? 0)}), asked for to done`,
      value: `${Math.round(rows / median(runs.map(({ seconds }) => seconds)))} rows/s`,
      beside: bare,
    },
    {
      what: `the same: memory of workerd with all Workers, at its highest`,
      value: mib(Math.max(...runs.map(({ peak }) => peak))),
      beside: `${mib(growth)} more than before it`,
    },
  ];
}

function fail(what: string): never {
  throw new Error(what);
}

async function ask<T>(api: Api, method: string, path: string, body?: unknown): Promise<T> {
  const answer = await api.send<T>(method, path, body);
  if (answer.status >= 300) throw new Error(`${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** The placement that has the organisation's schema. */
async function connectTo(stack: StackProcess, schema: string): Promise<Client> {
  for (const url of Object.values(stack.description.databaseUrls)) {
    const client = new Client(url);
    await client.connect();
    const found = await client.query("SELECT FROM pg_namespace WHERE nspname = $1", [schema]);
    if (found.rowCount === 1) return client;
    await client.end();
  }
  return fail("no placement has the organisation");
}

/** Devices that were enrolled an hour ago. */
async function fill(client: Client, schema: string): Promise<void> {
  await client.query("GRANT sentinel_provisioner TO CURRENT_USER WITH INHERIT TRUE");
  await client.query(`ALTER TABLE ${schema}.devices NO FORCE ROW LEVEL SECURITY`);
  await client.query(`ALTER TABLE ${schema}.enrollment_codes NO FORCE ROW LEVEL SECURITY`);
  await client.query(`INSERT INTO ${schema}.devices (id, name, platform, token_sha256, enrollment_code_id, enrolled_at)
    SELECT 'dev_' || lpad(n::text, 26, '0'), 'classroom computer ' || n, 'linux', encode(sha256(n::text::bytea), 'hex'),
      (SELECT min(id) FROM ${schema}.enrollment_codes), now() - interval '1 hour'
    FROM generate_series(1, ${rows}) AS n`);
  await client.query(`ANALYZE ${schema}.devices`);
}

/** Seconds. */
async function copy(client: Client, schema: string): Promise<number> {
  const startedAt = performance.now();
  const text = `COPY (SELECT id, name, platform, enrolled_at, last_seen_at, online FROM ${schema}.devices ORDER BY id)
    TO STDOUT WITH (FORMAT csv, HEADER)`;
  for await (const _ of copyOut(client, text));
  return (performance.now() - startedAt) / 1_000;
}

async function exported(api: Api, stack: StackProcess, format: ExportFormat): Promise<Measured> {
  const { org, pids } = stack.description;
  const before = residentBytes(pids["workerd"]);
  let peak = before;
  const startedAt = performance.now();
  const path = `/api/v1/orgs/${org.id}/exports`;
  const { id } = await ask<{ id: string }>(api, "POST", path, { source: "inventory", format });
  for (;;) {
    peak = Math.max(peak, residentBytes(pids["workerd"]));
    const shown = await ask<{ state: string; bytes: number }>(api, "GET", `${path}/${id}`);
    if (shown.state === "done")
      return { seconds: (performance.now() - startedAt) / 1_000, bytes: shown.bytes, before, peak };
    if (shown.state !== "queued" && shown.state !== "running") fail(`an export is ${shown.state}`);
    await delay(200);
  }
}

/** Of Linux alone; elsewhere nothing is measured. */
function residentBytes(pid: number | undefined): number {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return Number(kib ?? 0) * 1024;
  } catch {
    return 0;
  }
}
