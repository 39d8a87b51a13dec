import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { buildAuditVerify } from "../../scripts/audit-verify/build.ts";
import { buildAuditWitness } from "../../scripts/audit-witness/build.ts";
import { repositoryRoot } from "../../scripts/units.ts";
import { runScript } from "../support/run-script.ts";
import { Api, eventually, newPerson, testPassword } from "./support/api.ts";
import { Complaints, launchBrowser, signInByPassword } from "./support/browser.ts";
import { type BorrowedStack, borrowStack } from "./support/stack-pool.ts";
import { done, newKey, newOrg } from "./support/things.ts";

// A checkpoint takes up to a minute, and some of these wait for two.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

/** An auditor who has an address, an API key and nothing else of us, against the whole running system. */

const pictures = join(repositoryRoot, "test-results", "screenshots");

let stack: BorrowedStack;
let folder: string;
let owner: Api;
let email: string;
let org: string;
let keyFile: string;
/** The log's address. */
let address: string;

interface Status {
  readonly checkpoint: { readonly size: number; readonly pending: number; readonly keys: readonly string[] } | null;
}

beforeAll(async () => {
  stack = await borrowStack();
  folder = mkdtempSync(join(tmpdir(), "sentinel-auditor-"));
  const { url, mailDir } = stack.description;
  ({ api: owner, email } = await newPerson(url, mailDir, "audited"));
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
  await stack?.discard();
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

const sentinel = (...args: string[]) => runScript([join(repositoryRoot, "scripts/cli/main.ts"), ...args]);
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
      await client.query("ALTER TABLE audit.events ENABLE TRIGGER ALL");
    } finally {
      await client.end();
    }
  }
  return changed;
}

describe("the audit log of a running system", () => {
  it("is verified from its address, against Postgres, and as a file that needs neither", async () => {
    const known = join(folder, "log.known");
    const first = await sentinel("audit", "verify", address, "--key-file", keyFile, "--known", known, ...database());
    expect(first).toMatchObject({ status: 0, output: expect.stringContaining("entries are what was signed") });
    const file = join(folder, "exported.log");
    expect(await sentinel("audit", "export", address, "--key-file", keyFile, "--out", file)).toMatchObject({
      status: 0,
    });
    const script = await buildAuditVerify(join(folder, "sentinel-audit-verify.mjs"));
    const alone = await runScript([script, file, "--known", known], { cwd: folder });
    expect([alone.status, alone.output]).toEqual([0, expect.stringContaining("what was signed")]);
    // Reading the leaves was on record; after the next checkpoint the log goes on from the one that is known.
    await covered();
    const before = (await status()).checkpoint?.size ?? 0;
    await done(owner.send("GET", `/api/v1/orgs/${org}/members`));
    await covered();
    expect((await status()).checkpoint?.size).toBe(before + 1);
    expect(await sentinel("audit", "verify", address, "--key-file", keyFile, "--known", known)).toMatchObject({
      status: 0,
    });
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
    expect((await sentinel("audit", "verify-leaves", "--org", log, "--state", stack.stateDir)).status).toBe(0);
    const { status: code, output } = await sentinel("audit", "verify", address, "--key-file", keyFile, ...database());
    expect([code, output]).toEqual([1, expect.stringMatching(/✗ the copy: entry 2\d\d: changed/)]);
  });

  it("is cosigned by a witness that the school holds, which the verifier then asks for", async () => {
    const dir = join(folder, "witness");
    const program = await buildAuditWitness(join(folder, "sentinel-audit-witness.mjs"));
    const witness = (...args: string[]) => runScript([program, address, "--dir", dir, "--once", ...args]);
    const key = /school\.test\/w1\+\S+/.exec((await witness("--name", "school.test/w1")).output)?.[0] ?? "";
    const before = await sentinel("audit", "verify", address, "--key-file", keyFile, "--witness", key);
    expect([before.status, before.output]).toEqual([1, expect.stringContaining("not_cosigned")]);
    const witnesses = `/api/v1/orgs/${org}/audit/witnesses`;
    const made = await done(owner.send<{ token: string }>("POST", witnesses, { name: "The board", key }));
    writeFileSync(join(dir, "token"), made.token, { mode: 0o600 });
    expect(await witness()).toMatchObject({ status: 0, output: expect.stringContaining("✓ cosigned") });
    await covered();
    const size = (await status()).checkpoint?.size ?? 0;
    expect(await witness()).toMatchObject({ status: 0, output: expect.stringContaining(`up to entry ${size}`) });
    // What the witness asked and signed is no entry: the log rests.
    expect((await status()).checkpoint).toMatchObject({ size, pending: 0 });
    const note = (await owner.send<string>("GET", `/api/v1/orgs/${org}/audit/checkpoint`)).body;
    expect(note).toContain("\n\u2014 school.test/w1 ");
    const verified = await sentinel("audit", "verify", address, "--key-file", keyFile, "--witness", key);
    expect([verified.status, verified.output]).toEqual([0, expect.stringContaining(`up to entry ${size}`)]);
    expect(readFileSync(join(dir, "known"), "utf8")).toContain(`\\n${size}\\n`);
    const listed = await done(owner.send<{ items: { cosigned: { size: number } }[] }>("GET", witnesses));
    expect(listed.items.map(({ cosigned }) => cosigned.size)).toEqual([size]);
  });

  describe("in the dashboard", () => {
    let browser: Browser;
    const complaints = new Complaints();
    beforeAll(async () => {
      browser = await launchBrowser();
    });
    afterAll(() => browser?.close());

    it("shows who cosigned it, and has an entry's proof checked in the browser: an altered one is red", async () => {
      const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
      complaints.watch(page);
      await page.goto(`${stack.description.url}/o/${org}/audit?type=role_change`);
      await signInByPassword(page, email, testPassword);
      // A bar leads to the entries behind it.
      const kinds = page.getByRole("figure", { name: "Events by kind" });
      await page
        .getByRole("figure", { name: "Events over time" })
        .getByRole("button", { name: /done/ })
        .first()
        .waitFor();
      mkdirSync(pictures, { recursive: true });
      await page.screenshot({ path: join(pictures, "audit-activity.png"), fullPage: true });
      await kinds.getByRole("button", { name: /^API call/ }).click();
      await page.waitForURL(/type=api_call/);
      await kinds.getByRole("button", { name: /^Role change/ }).click();
      await page.waitForURL(/type=role_change/);
      // What is typed holds once it is whole, and is none of the server's business before.
      const filters = page.getByRole("search", { name: "Filter the audit log" });
      await filters.getByLabel("Country").fill("Germany");
      await filters.getByLabel("Country").press("Enter");
      await filters.getByText("Two letters, such as IN").waitFor();
      await filters.getByLabel("Country").fill("de");
      await filters.getByLabel("Country").press("Enter");
      await page.waitForURL(/country=DE/);
      await page.getByText("No entry matches").waitFor();
      await filters.getByRole("button", { name: "Clear filters" }).click();
      await kinds.getByRole("button", { name: /^Role change/ }).click();
      await page.waitForURL(/type=role_change$/);
      const witnesses = page.getByRole("region", { name: "Witnesses" });
      await witnesses.getByText("The board").waitFor();
      await witnesses.getByText(/Signed up to no\. \d+/).waitFor();
      const entry = page.getByRole("table", { name: "Audit log" }).locator("details").last();
      await entry.locator("summary").click();
      await entry.getByRole("button", { name: "Verify in this browser" }).click();
      await entry.getByText("Verified", { exact: true }).waitFor();
      // A server that shows another leaf, or the same one with what was hashed altered.
      await page.route("**/audit/*/proof", async (route) => {
        const answer = await route.fetch();
        const proof = (await answer.json()) as { leaf: string };
        await route.fulfill({ response: answer, json: { ...proof, leaf: proof.leaf.replace("owner", "admin") } });
      });
      await page.reload();
      await entry.locator("summary").click();
      await entry.getByRole("button", { name: "Verify in this browser" }).click();
      await entry.getByRole("alert").getByText("Not what was signed").waitFor();
      expect(await entry.getByText("Verified", { exact: true }).count()).toBe(0);
      expect(complaints.all).toEqual([]);
    });
  });

  it("tells nobody without its key where it stands", async () => {
    for (const path of [
      "status",
      "checkpoint",
      "consistency",
      "1/proof",
      "tile/0/000",
      "tile/entries/000",
      "witnesses",
    ]) {
      const { status: code } = await new Api(stack.description.url).send("GET", `/api/v1/orgs/${org}/audit/${path}`);
      expect([path, code]).toEqual([path, 401]);
    }
  });
});
