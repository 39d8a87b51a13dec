import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { repositoryRoot } from "../../scripts/units.ts";
import { runScript } from "../support/run-script.ts";
import { Api, eventually, newPerson, testPassword } from "./support/api.ts";
import { freshStateDir, type StackProcess, startStackProcess } from "./support/stack-process.ts";
import { done, newKey, newMember, newOrg, type TestPerson } from "./support/things.ts";

// A checkpoint takes up to a minute, and this waits for two.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const browser = "Netscape Navigator 4.08 of somebody";

let stack: StackProcess;
let folder: string;
let owner: Api;
let org: string;
let gone: TestPerson;

interface Listed {
  readonly items: { readonly seq: number; readonly event: Readonly<Record<string, unknown>> }[];
  readonly next_cursor: string | null;
}

beforeAll(async () => {
  stack = await startStackProcess(freshStateDir(), ["--quiet", "--no-agent", "--limit-scale", "1000", "--pace", "12"]);
  folder = mkdtempSync(join(tmpdir(), "sentinel-eraser-"));
  const { url, mailDir } = stack.description;
  owner = (await newPerson(url, mailDir, "eraser")).api;
  org = await newOrg(owner, "erasing");
  gone = await newMember(mailDir, owner, org, "analyst");
  await done(gone.api.send("GET", `/api/v1/orgs/${org}/devices`));
  for (const password of [testPassword, "not the password of anybody 7"]) {
    const body = { email: gone.email, password };
    await new Api(url).send("POST", "/api/v1/auth/login", body, { "User-Agent": browser });
  }
});
afterAll(async () => {
  await stack?.discard();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

const audit = (query: string): Promise<Listed> =>
  done(owner.send<Listed>("GET", `/api/v1/orgs/${org}/audit?limit=200${query}`));
async function everyEntry(): Promise<Listed["items"]> {
  const items: Listed["items"] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page: Listed = await audit(cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`);
    items.push(...page.items);
    cursor = page.next_cursor;
  }
  return items;
}

/** Every byte that the logs' objects have on disk: tables, indexes, free pages and what is written ahead. */
function storage(): Buffer {
  const files = readdirSync(stack.stateDir, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && entry.parentPath.includes("AuditLog"),
  );
  expect(files.length).toBeGreaterThan(1);
  return Buffer.concat(files.map((file) => readFileSync(join(file.parentPath, file.name))));
}

/** Every row of every table of the audit schemas, by their owner. */
async function postgres(): Promise<string> {
  let text = "";
  for (const url of Object.values(stack.description.databaseUrls)) {
    const client = new Client(url);
    await client.connect();
    try {
      const tables = await client.query<{ name: string }>(
        "SELECT oid::regclass::text AS name FROM pg_class WHERE relnamespace = 'audit'::regnamespace AND relkind IN ('r', 'p')",
      );
      for (const { name } of tables.rows) text += JSON.stringify((await client.query(`SELECT * FROM ${name}`)).rows);
    } finally {
      await client.end();
    }
  }
  return text;
}

it("leaves nothing of whom it erases, in answers, storage or Postgres, and a log that verifies", async () => {
  const before = await everyEntry();
  const about = JSON.stringify(before);
  for (const trace of [gone.userId, browser]) expect(about).toContain(trace);
  const last = before[0]?.seq ?? 0;
  const drained = async () => {
    const text = await postgres();
    return [...text.matchAll(/"seq":"(\d+)"/g)].some(([, seq]) => Number(seq) >= last);
  };
  await eventually("the entries are in Postgres", drained, 60_000);
  // Not even before, in clear.
  for (const trace of [gone.userId, browser]) {
    expect(storage().includes(trace)).toBe(false);
    expect(await postgres()).not.toContain(trace);
  }
  const subject = `/api/v1/orgs/${org}/audit/subjects/${gone.userId}`;
  expect((await owner.send("DELETE", subject)).status).toBe(409);
  await done(owner.send("DELETE", `/api/v1/orgs/${org}/members/${gone.userId}`));
  expect((await owner.send("DELETE", subject)).status).toBe(204);
  const after = await everyEntry();
  for (const trace of [gone.userId, browser]) expect(JSON.stringify(after)).not.toContain(trace);
  expect(after.find(({ event }) => event["type"] === "person_erased")?.event).toMatchObject({ target_user_id: null });
  for (const filter of ["actor", "target"]) expect((await audit(`&${filter}=${gone.userId}`)).items).toEqual([]);
  expect((await owner.send("DELETE", subject)).status).toBe(404);
  const pending = async () => {
    type Status = { readonly checkpoint: { readonly pending: number } | null };
    const { checkpoint } = await done(owner.send<Status>("GET", `/api/v1/orgs/${org}/audit/status`));
    return checkpoint?.pending === 0;
  };
  await eventually("a checkpoint over everything", pending, 120_000);
  const keyFile = join(folder, "key");
  writeFileSync(keyFile, (await newKey(owner, org, "readonly")).key, { mode: 0o600 });
  const address = `${stack.description.url}/api/v1/orgs/${org}/audit`;
  const verb = ["audit", "verify", address, "--key-file", keyFile, "--known", join(folder, "known")];
  const command = [join(repositoryRoot, "scripts/cli/main.ts"), ...verb, "--database", "--state", stack.stateDir];
  const run = await runScript(command);
  expect([run.status, run.output]).toEqual([0, expect.stringContaining("what was signed")]);
  for (const trace of [gone.userId, browser]) {
    expect(storage().includes(trace)).toBe(false);
    expect(await postgres()).not.toContain(trace);
  }
});
