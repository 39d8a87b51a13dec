/** The control plane's own backup, into an empty one: every row of every table. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { backUpControl, restoreControl, verifyControl } from "../../../scripts/backup/control-plane.ts";
import { migrate } from "../../../scripts/migrate/migrate.ts";
import { createHarness } from "../studio/harness.ts";
import { runAs, setup } from "../support.ts";

const long = 120_000;
const key = randomBytes(32).toString("base64url");
const folder = mkdtempSync(join(tmpdir(), "sentinel-control-backup-"));
const names: string[] = [];
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  for (const name of names) await runAs(setup.superuserUrls["first"]!, `DROP DATABASE ${name} WITH (FORCE)`);
});

/** A database of the owner's own, migrated. */
async function emptyDatabase(until?: number): Promise<string> {
  const name = `control_${randomBytes(6).toString("hex")}`;
  names.push(name);
  const owner = setup.ownerUrls["first"]!;
  await runAs(owner, `CREATE DATABASE ${name} TEMPLATE template0`);
  const url = owner.replace(/\/[^/]+$/, `/${name}`);
  await migrate({ databaseUrl: url, sets: ["control"], ...(until === undefined ? {} : { until }) });
  return url;
}
async function as<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
/** Each table's rows as text, sorted, counted and hashed by the server. */
async function contentOf(url: string): Promise<Record<string, string>> {
  const tables = await runAs(
    url,
    "SELECT relname FROM pg_class WHERE relnamespace = 'control'::regnamespace AND relkind = 'r'",
  );
  const found: Record<string, string> = {};
  for (const { relname } of tables) {
    const [row] = await runAs(
      url,
      `SELECT count(*) || ' ' || coalesce(encode(sha256(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE "C")::bytea), 'hex'), '') AS content
       FROM (SELECT t::text FROM control.${relname} t) t`,
    );
    found[String(relname)] = String(row?.["content"]);
  }
  return found;
}

let path: string;
let before: Record<string, string>;
let source: string;
beforeAll(async () => {
  // What living organisations leave, copied to a database that nobody else writes to.
  const studio = await createHarness();
  const org = await studio.newOrg();
  await studio.newMember(org, "admin");
  source = await emptyDatabase();
  const first = await as(setup.ownerUrls["first"]!, (client) => backUpControl(client, key, folder));
  await as(source, (client) => restoreControl(client, first.path, key));
  before = await contentOf(source);
  ({ path } = await as(source, (client) => backUpControl(client, key, folder)));
}, long);

it("gives an empty control plane every row of every table", { timeout: long }, async () => {
  expect(Number(before["users"]?.split(" ")[0])).toBeGreaterThan(1);
  expect(Number(before["sessions"]?.split(" ")[0])).toBeGreaterThan(0);
  const into = await emptyDatabase();
  const { rows } = await verifyControl(path, key);
  expect(await as(into, (client) => restoreControl(client, path, key))).toBe(rows);
  expect(await contentOf(into)).toEqual(before);
  // As migrated as any: nothing is applied a second time, and triggers act again.
  expect(await migrate({ databaseUrl: into, sets: ["control"] })).toEqual([]);
  const off = await runAs(into, "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'D'");
  expect(off).toEqual([]);
});

it("replaces nobody: a control plane with people or organisations is left as it is", async () => {
  await expect(as(source, (client) => restoreControl(client, path, key))).rejects.toMatchObject({ code: "not_empty" });
  expect(await contentOf(source)).toEqual(before);
});

it("opens with its own key file alone, whole, and is no organisation's", async () => {
  await expect(verifyControl(path, randomBytes(32).toString("base64url"))).rejects.toMatchObject({
    code: "not_authentic",
  });
  const file = readFileSync(path);
  expect(file.includes("@people.test")).toBe(false);
  const cut = join(folder, "cut");
  writeFileSync(cut, file.subarray(0, -1));
  await expect(verifyControl(cut, key)).rejects.toMatchObject({ code: "not_authentic" });
  const into = await emptyDatabase();
  await expect(as(into, (client) => restoreControl(client, cut, key))).rejects.toMatchObject({ code: "not_authentic" });
  expect(Object.values(await contentOf(into)).every((content) => content.startsWith("0 "))).toBe(true);
});
