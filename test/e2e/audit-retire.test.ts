import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convertV4MiniflareOptions, Miniflare, type V4MiniflareOptions } from "miniflare";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type MonthManifest, parseMonthLines } from "../../core/audit/month-archive.ts";
import { buildAuditVerify } from "../../scripts/audit-verify/build.ts";
import { repositoryRoot } from "../../scripts/units.ts";
import { runScript } from "../support/run-script.ts";
import { type Api, eventually, newPerson } from "./support/api.ts";
import { freshStateDir, removeStateDir, type StackProcess, startStackProcess } from "./support/stack-process.ts";
import { done, newKey, newOrg } from "./support/things.ts";

vi.setConfig({ testTimeout: 600_000, hookTimeout: 300_000 });

/**
 * The end of an entry's seven years, through both Workers, the log's own object, the bucket and Postgres as they are.
 * Nobody waits for years: whoever owns the database moves rows into months that are over, as the years would have.
 * workerd is killed twice on the way, right before a month's end is committed and right behind it.
 */

const september = { month: "2019-09", first: 1, last: 150 };
const october = { month: "2019-10", first: 151, last: 300 };
const flags = ["--quiet", "--no-agent", "--limit-scale", "1000", "--pace", "12"];

let stack: StackProcess;
let port: string;
let stateDir: string;
let folder: string;
let owner: Api;
let org: string;
let log: string;
/** The placement that the organisation lies on. */
let home: string;
let keyFile: string;
/** Leaves as the log had them in Postgres before its years were over, by their numbers. */
let leaves: Map<number, string>;

beforeAll(async () => {
  stateDir = freshStateDir();
  stack = await startStackProcess(stateDir, flags);
  port = new URL(stack.description.url).port;
  folder = mkdtempSync(join(tmpdir(), "sentinel-retired-"));
  ({ api: owner } = await newPerson(stack.description.url, stack.description.mailDir, "archivist"));
  org = await newOrg(owner, "archive");
  log = (await done(owner.send<{ id: string }>("GET", `/api/v1/orgs/${org}`))).id;
  keyFile = join(folder, "key");
  writeFileSync(keyFile, (await newKey(owner, org, "readonly")).key, { mode: 0o600 });
  for (let round = 0; round < 31; round += 1)
    await Promise.all(Array.from({ length: 10 }, () => done(owner.send("GET", `/api/v1/orgs/${org}/members`))));
  type Status = { readonly checkpoint: { readonly size: number } | null };
  const status = () => done(owner.send<Status>("GET", `/api/v1/orgs/${org}/audit/status`));
  await eventually("a checkpoint", async () => ((await status()).checkpoint?.size ?? 0) >= october.last, 120_000);
  for (const placement of Object.keys(stack.description.databaseUrls))
    if ((await asked(leavesUpTo, [log, 1], placement)).length > 0) home = placement;
  const kept = () => asked<{ seq: number; leaf: string }>(leavesUpTo, [log, october.last]);
  await eventually("rows in Postgres", async () => (await kept()).length === october.last, 60_000);
  leaves = new Map((await kept()).map(({ seq, leaf }) => [seq, leaf]));
});
afterAll(async () => {
  await stack?.discard();
  if (stateDir !== undefined) removeStateDir(stateDir);
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

const leavesUpTo = "SELECT seq::int, leaf_json AS leaf FROM audit.events WHERE log = $1 AND seq <= $2 ORDER BY seq";

/** Asks a placement's database as its owner: the one that holds the log, unless another is named. */
async function asked<T>(query: string, values: readonly unknown[] = [], placement = home): Promise<T[]> {
  const client = new Client(stack.description.databaseUrls[placement]);
  await client.connect();
  try {
    // Without values a query may be several statements.
    const { rows } = values.length === 0 ? await client.query(query) : await client.query(query, [...values]);
    return (rows ?? []) as T[];
  } finally {
    await client.end();
  }
}

/** The same stack once more: its clock fires each unit's trigger as it starts, the months' too. */
async function again(): Promise<void> {
  await stack.stop();
  stack = await startStackProcess(stateDir, [...flags, "--port", port]);
}

const sentinel = (...args: string[]) => runScript([join(repositoryRoot, "scripts/cli/main.ts"), ...args]);

/** What the platform's log says of months, oldest first. */
async function recorded(): Promise<{ month: string; action: string; entries: number | null; seal: string | null }[]> {
  const [first = ""] = Object.keys(stack.description.databaseUrls);
  const query =
    "SELECT leaf_json AS leaf FROM audit.events WHERE log = 'platform-0' AND type = 'audit_month' ORDER BY seq";
  const rows = await asked<{ leaf: string }>(query, [], first);
  return rows.map(({ leaf }) => {
    const { month, action, entries, seal } = JSON.parse(leaf).event;
    return { month, action, entries, seal };
  });
}

const retired = () =>
  asked<{ month: string; entries: number; seal: string }>(
    "SELECT to_char(month, 'YYYY-MM') AS month, entries::int, seal FROM audit.retired_months ORDER BY month",
  );

/** Rows of the log in a month's table; none where there is no such table. */
async function rowsIn(table: string): Promise<number> {
  const there = await asked<{ n: number }>("SELECT 1 AS n WHERE to_regclass($1) IS NOT NULL", [`audit.${table}`]);
  if (there.length === 0) return 0;
  const [count] = await asked<{ n: number }>(`SELECT count(*)::int AS n FROM audit.${table} WHERE log = $1`, [log]);
  return count?.n ?? 0;
}

/**
 * Holds a month's end up behind all that it does and before it is committed, until `let_go` or, with `fail`, makes it
 * come to nothing. A row of the test's own table says which; the waiting is seen by a lock.
 */
const hold = `
  CREATE SCHEMA IF NOT EXISTS held;
  CREATE TABLE IF NOT EXISTS held.state (what text NOT NULL);
  GRANT USAGE ON SCHEMA held TO PUBLIC;
  GRANT SELECT ON held.state TO PUBLIC;
  DELETE FROM held.state;
  INSERT INTO held.state VALUES ('wait');
  CREATE OR REPLACE FUNCTION held.wait() RETURNS trigger LANGUAGE plpgsql AS $$
  DECLARE now_is text;
  BEGIN
    PERFORM pg_advisory_xact_lock(4711);
    LOOP
      SELECT what INTO now_is FROM held.state;
      EXIT WHEN now_is = 'let_go';
      IF now_is = 'fail' THEN RAISE EXCEPTION 'held, and let fall'; END IF;
      PERFORM pg_sleep(0.02);
    END LOOP;
    RETURN NEW;
  END $$;
  CREATE OR REPLACE TRIGGER held BEFORE INSERT ON audit.retired_months FOR EACH ROW EXECUTE FUNCTION held.wait();`;
const turn = (to: "wait" | "let_go" | "fail") => asked("UPDATE held.state SET what = $1", [to]);
const isHeld = async () =>
  (await asked("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND granted")).length > 0;

/** Waits until a month's end hangs, kills workerd there, and then lets the database go on as `then` says. */
async function killAtTheEnd(then: "let_go" | "fail"): Promise<void> {
  await turn("wait");
  await again();
  await eventually("a month about to be detached", isHeld);
  process.kill(stack.description.pids["workerd"] as number, "SIGKILL");
  await turn(then);
  await eventually("the end of its transaction", async () => !(await isHeld()));
}

/** The bucket as it lies on disk; the stack must be down. */
async function archived(month: string): Promise<{ seals: string[]; parts: Map<string, Uint8Array> }> {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: "export default {}",
      compatibilityDate: "2026-10-20",
      r2Buckets: { COPY: "sentinel-audit" },
      resourcePersistencePath: join(stateDir, "workers"),
    } as unknown as V4MiniflareOptions),
  );
  try {
    const bucket = await miniflare.getR2Bucket("COPY");
    const seals: string[] = [];
    const parts = new Map<string, Uint8Array>();
    for (const { key } of (await bucket.list({ prefix: "retired/" })).objects) {
      const [, , of, ...rest] = key.split("/");
      if (of !== month) continue;
      const name = rest.join("/");
      if (name.startsWith("manifest/")) seals.push(name.slice("manifest/".length));
      parts.set(name, new Uint8Array(await (await bucket.get(key))!.arrayBuffer()));
    }
    return { seals, parts };
  } finally {
    await miniflare.dispose();
  }
}

const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const verifyEverything = () =>
  sentinel(
    ...["audit", "verify", `${stack.description.url}/api/v1/orgs/${org}/audit`, "--key-file", keyFile],
    ...["--known", join(folder, "known"), "--database", "--state", stateDir],
  );

describe("entries whose seven years are over", () => {
  it("stay where they are, all of them, when the Workers die before their month's end is committed", async () => {
    expect(await verifyEverything()).toMatchObject({ status: 0 });
    await asked(hold);
    // The years: triggers refuse this to everybody who does not own the table.
    for (const { month, first, last } of [september, october]) {
      await asked(`SELECT audit.open_month('${month}-01')`);
      await asked("ALTER TABLE audit.events DISABLE TRIGGER ALL");
      await asked(
        `UPDATE audit.events SET occurred_at = '${month}-03T00:00:00Z'::timestamptz + seq * interval '1 second'
         WHERE log = $1 AND seq BETWEEN $2 AND $3`,
        [log, first, last],
      );
      await asked("ALTER TABLE audit.events ENABLE TRIGGER ALL");
    }
    expect([await rowsIn("events_2019_09"), await rowsIn("events_2019_10")]).toEqual([150, 150]);
    await killAtTheEnd("fail");
    expect(await retired()).toEqual([]);
    expect(await rowsIn("events_2019_09")).toBe(150);
    expect(await rowsIn("retired_2019_09")).toBe(0);
  });

  it("are exported, sealed, read again and only then detached by the next run, each step on record", async () => {
    await turn("let_go");
    await again();
    await eventually("September detached", async () => (await retired()).some(({ month }) => month === "2019-09"));
    await eventually("its end on record", async () => (await recorded()).some(({ action }) => action === "detached"));
    const [{ month, entries, seal } = { month: "", entries: 0, seal: "" }] = await retired();
    expect([month, entries, seal]).toEqual(["2019-09", 150, expect.stringMatching(/^[0-9a-f]{64}$/)]);
    const steps = await recorded();
    // Of the run that was killed: that it began and what it sealed, and no end.
    expect(steps.map(({ action }) => action)).toEqual(["begun", "sealed", "begun", "sealed", "detached"]);
    expect(steps.slice(-2)).toEqual([
      { month, action: "sealed", entries, seal },
      { month, action: "detached", entries, seal },
    ]);
    expect(await rowsIn("retired_2019_09")).toBe(150);
    expect(await asked("SELECT 1 FROM audit.events WHERE log = $1 AND seq <= 150", [log])).toEqual([]);
  });

  it("are on record as detached even if the Workers died before they could say so", async () => {
    await killAtTheEnd("let_go");
    await eventually("October detached", async () => (await rowsIn("retired_2019_10")) === 150);
    const of = async () => (await recorded()).filter(({ month }) => month === october.month);
    expect((await of()).map(({ action }) => action)).not.toContain("detached");
    await again();
    await eventually("October on record", async () => (await of()).some(({ action }) => action === "detached"));
    const seal = (await retired()).find(({ month }) => month === october.month)?.seal;
    expect((await of()).at(-1)).toEqual({ month: october.month, action: "detached", entries: 150, seal });
  });

  it("still verify: the log from its address, what Postgres keeps of it, and a file that needs neither", async () => {
    expect(await verifyEverything()).toMatchObject({
      status: 0,
      output: expect.stringContaining("are what was signed"),
    });
    const file = join(folder, "exported.log");
    const address = `${stack.description.url}/api/v1/orgs/${org}/audit`;
    expect(await sentinel("audit", "export", address, "--key-file", keyFile, "--out", file)).toMatchObject({
      status: 0,
    });
    const script = await buildAuditVerify(join(folder, "sentinel-audit-verify.mjs"));
    const alone = await runScript([script, file], { cwd: folder });
    expect([alone.status, alone.output]).toEqual([0, expect.stringContaining("what was signed")]);
  });

  it("are in the bucket as they were signed, under the seal that the log and the database name", async () => {
    const sealed = await retired();
    const exported = new Map<number, string>();
    for (const line of readFileSync(join(folder, "exported.log"), "utf8").split("\n").slice(0, -1)) {
      const { seq, leaf } = JSON.parse(line) as { seq?: number; leaf?: string };
      if (seq !== undefined && leaf !== undefined) exported.set(seq, leaf);
    }
    await stack.stop();
    for (const { month, first, last } of [september, october]) {
      const { seals, parts } = await archived(month);
      const seal = sealed.find((one) => one.month === month)?.seal ?? "";
      expect(seals).toContain(seal);
      const manifest = parts.get(`manifest/${seal}`) as Uint8Array;
      expect(digest(manifest)).toBe(seal);
      const described = JSON.parse(new TextDecoder().decode(manifest)) as MonthManifest;
      expect(described).toMatchObject({ month, entries: 150 });
      const found = described.parts.flatMap(({ name, log: of, sha256 }) => {
        const part = parts.get(name) as Uint8Array;
        expect(digest(part)).toBe(sha256);
        return parseMonthLines(of, new TextDecoder().decode(part));
      });
      expect(found.map(({ seq }) => seq)).toEqual(Array.from({ length: 150 }, (_, index) => first + index));
      for (const { seq, leafJson } of found)
        expect([seq, leafJson]).toEqual([seq, seq <= last ? leaves.get(seq) : null]);
      // The verifier held these against the signed tree.
      for (const { seq, leafJson } of found) expect(exported.get(seq)).toBe(leafJson);
    }
    stack = await startStackProcess(stateDir, [...flags, "--port", port]);
  });

  it("are not believed when what was detached is changed by somebody who owns the database", async () => {
    await asked("ALTER TABLE audit.retired_2019_09 DISABLE TRIGGER ALL");
    const leaf = `replace(leaf_json, '"status_code":200', '"status_code":403')`;
    await asked(
      `UPDATE audit.retired_2019_09 SET leaf_json = ${leaf},
         leaf_hash = encode(sha256('\\x00'::bytea || convert_to(${leaf}, 'UTF8')), 'hex')
       WHERE log = $1 AND seq = 100`,
      [log],
    );
    const { status, output } = await verifyEverything();
    expect([status, output]).toEqual([1, expect.stringMatching(/✗ the copy: entry 100: changed/)]);
  });
});
