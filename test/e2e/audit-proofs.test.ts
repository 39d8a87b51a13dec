import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildAuditVerify } from "../../scripts/audit-verify/build.ts";
import { repositoryRoot } from "../../scripts/units.ts";
import { Api, eventually, newPerson } from "./support/api.ts";
import { freshStateDir, removeStateDir, type StackProcess, startStackProcess } from "./support/stack-process.ts";
import { done, newKey, newOrg } from "./support/things.ts";

/** An auditor who has an address, an API key and nothing else of us, against the whole running system. */

let stack: StackProcess;
let folder: string;
let owner: Api;
let org: string;
let keyFile: string;
/** The log's address. */
let address: string;

interface Status {
  readonly checkpoint: { readonly size: number; readonly pending: number; readonly keys: readonly string[] } | null;
}

beforeAll(async () => {
  stack = await startStackProcess(freshStateDir(), ["--port", "0", "--quiet", "--no-agent", "--limit-scale", "1000"]);
  folder = mkdtempSync(join(tmpdir(), "sentinel-auditor-"));
  const { url, mailDir } = stack.description;
  owner = (await newPerson(url, mailDir, "audited")).api;
  org = await newOrg(owner, "audited");
  keyFile = join(folder, "key");
  writeFileSync(keyFile, (await newKey(owner, org, "readonly")).key, { mode: 0o600 });
  address = `${url}/api/v1/orgs/${org}/audit`;
  // More than a tile of 256, so that a tile is full and another is not.
  for (let round = 0; round < 30; round += 1)
    await Promise.all(Array.from({ length: 10 }, () => done(owner.send("GET", `/api/v1/orgs/${org}/members`))));
  await covered();
});
afterAll(async () => {
  await stack?.stop();
  if (stack !== undefined) removeStateDir(stack.stateDir);
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

const status = (): Promise<Status> => done(owner.send<Status>("GET", `/api/v1/orgs/${org}/audit/status`));
/** Until every entry is under a checkpoint, which is within a minute. */
const covered = () =>
  eventually(
    "a checkpoint over everything",
    async () => ((await status()).checkpoint?.pending === 0 ? true : null),
    90_000,
  );

function sentinel(...args: string[]): { status: number | null; output: string } {
  const command = [join(repositoryRoot, "scripts/cli/main.ts"), ...args];
  const run = spawnSync(process.execPath, command, { encoding: "utf8" });
  return { status: run.status, output: run.stdout + run.stderr };
}
const database = () => ["--database", "--state", stack.stateDir];

/** As somebody with all of Postgres: no trigger fires. */
async function asDatabaseOwner(query: string, values: readonly unknown[]): Promise<number> {
  let changed = 0;
  for (const url of Object.values(stack.description.databaseUrls)) {
    const client = new Client(url);
    await client.connect();
    try {
      await client.query("ALTER TABLE audit.events DISABLE TRIGGER ALL");
      changed += (await client.query(query, [...values])).rowCount ?? 0;
    } finally {
      await client.end();
    }
  }
  return changed;
}

describe("the audit log of a running system", () => {
  it("is verified from its address, against Postgres, and as a file that needs neither", async () => {
    const known = join(folder, "log.known");
    const first = sentinel("audit", "verify", address, "--key-file", keyFile, "--known", known, ...database());
    expect(first).toMatchObject({ status: 0, output: expect.stringContaining("entries are what was signed") });
    const file = join(folder, "exported.log");
    expect(sentinel("audit", "export", address, "--key-file", keyFile, "--out", file)).toMatchObject({ status: 0 });
    const script = await buildAuditVerify(join(folder, "sentinel-audit-verify.mjs"));
    const alone = spawnSync(process.execPath, [script, file, "--known", known], { encoding: "utf8", cwd: folder });
    expect([alone.status, alone.stdout + alone.stderr]).toEqual([0, expect.stringContaining("what was signed")]);
    // Reading the leaves was on record; after the next checkpoint the log goes on from the one that is known.
    await covered();
    const before = (await status()).checkpoint?.size ?? 0;
    await done(owner.send("GET", `/api/v1/orgs/${org}/members`));
    await covered();
    expect((await status()).checkpoint?.size).toBe(before + 1);
    expect(sentinel("audit", "verify", address, "--key-file", keyFile, "--known", known)).toMatchObject({ status: 0 });
  });

  it("is not believed when it was changed in Postgres by somebody who owns it", async () => {
    const log = (await done(owner.send<{ id: string }>("GET", `/api/v1/orgs/${org}`))).id;
    const leaf = `replace(leaf_json, '"status_code":200', '"status_code":403')`;
    const changed = await asDatabaseOwner(
      `UPDATE audit.events SET leaf_json = ${leaf},
         leaf_hash = encode(sha256('\\x00'::bytea || convert_to(${leaf}, 'UTF8')), 'hex')
       WHERE log = $1 AND seq = (SELECT min(seq) FROM audit.events WHERE log = $1 AND seq > 200 AND leaf_json LIKE '%"status_code":200%')
       RETURNING seq`,
      [log],
    );
    expect(changed).toBe(1);
    // Every hash in the table fits, so the table alone looks well; what was signed does not.
    expect(sentinel("audit", "verify-leaves", "--org", log, "--state", stack.stateDir).status).toBe(0);
    const { status: code, output } = sentinel("audit", "verify", address, "--key-file", keyFile, ...database());
    expect([code, output]).toEqual([1, expect.stringMatching(/✗ the copy: entry 2\d\d: changed/)]);
  });

  it("tells nobody without its key where it stands", async () => {
    for (const path of ["status", "checkpoint", "consistency", "1/proof", "tile/0/000", "tile/entries/000"]) {
      const { status: code } = await new Api(stack.description.url).send("GET", `/api/v1/orgs/${org}/audit/${path}`);
      expect([path, code]).toEqual([path, 401]);
    }
  });
});
