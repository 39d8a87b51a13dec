import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createFileKeeper } from "../../scripts/keeper/file-keeper.ts";
import { repositoryRoot } from "../../scripts/units.ts";
import { runCliAside } from "../postgres/cli/run-cli.ts";
import { type Api, enrolDevice, eventually, signIn } from "./support/api.ts";
import { Complaints, launchBrowser, signInByPassword } from "./support/browser.ts";
import { freshStateDir, removeStateDir, type StackProcess, startStackProcess } from "./support/stack-process.ts";

// The whole stack with a key service beside it: the customer's key wraps, is taken away and comes back.

const pictures = join(repositoryRoot, "test-results", "screenshots");
const stateDir = freshStateDir();
const complaints = new Complaints();
const token = randomBytes(32).toString("base64url");
const key = randomBytes(32).toString("base64url");
let file: string | null = key;
let keeper: Server;
let address: string;
let stack: StackProcess;
let browser: Browser;
let page: Page;
let owner: Api;
let device: string;

beforeAll(async () => {
  mkdirSync(pictures, { recursive: true });
  keeper = createFileKeeper({ readKeys: () => file, token, tls: null, log: () => undefined });
  await new Promise<void>((resolve) => keeper.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(keeper.address() as AddressInfo).port}`;
  address = `${origin}/v1`;
  process.env["LOOPBACK_KEEPERS"] = origin;
  [browser, stack] = await Promise.all([
    launchBrowser(),
    startStackProcess(stateDir, ["--quiet", "--limit-scale", "1000", "--pace", "12"]),
  ]);
  page = await (await browser.newContext({ viewport: { width: 1280, height: 1000 } })).newPage();
  complaints.watch(page, /^Failed to load resource: the server responded with a status of (401|503) /);
  const { email, password } = stack.description.owner;
  owner = (await signIn(stack.description.url, email, password)).api;
  const listed = await eventually("the agent is enrolled", async () => {
    const { body } = await owner.send<{ items: { id: string }[] }>("GET", "/api/v1/orgs/demo/devices");
    return body.items.length > 0 ? body.items : null;
  });
  device = listed[0]?.id ?? "";
});
afterAll(async () => {
  delete process.env["LOOPBACK_KEEPERS"];
  await browser?.close();
  await stack?.discard();
  keeper?.close();
  keeper?.closeAllConnections();
  removeStateDir(stateDir);
});

const commands = (): string => `/api/v1/orgs/demo/devices/${device}/commands`;
const notes = async (): Promise<unknown> => {
  const { status, body } = await owner.send<{ code?: string; items: { args: { note?: string } }[] }>("GET", commands());
  return status === 200 ? body.items.map(({ args }) => args.note) : [status, body.code];
};

/** What the clock may take until it begins what was asked for, and then to make it, in milliseconds. */
const clockMsMax = 240_000;

/** Has the platform back the organisation up, and waits for the end. @returns the backup, and how it ended */
async function backUp(): Promise<{ id: string; state: string; failure: string | null }> {
  const asked = await owner.send<{ id: string }>("POST", "/api/v1/orgs/demo/backups");
  expect(asked.status).toBe(202);
  const { id } = asked.body;
  return eventually(
    "the backup ended",
    async () => {
      const { body } = await owner.send<{ items: { id: string; state: string; failure: string | null }[] }>(
        "GET",
        "/api/v1/orgs/demo/backups/runs",
      );
      return body.items.find((run) => run.id === id && /done|failed/.test(run.state));
    },
    clockMsMax,
  );
}
/** The operator's tool beside this stack. Not spawnSync: the key service lives in this process, and must answer. */
const tool = (...args: string[]) => runCliAside([...args, "--state", stateDir]);
const devices = async (): Promise<string[]> => {
  const { body } = await owner.send<{ items: { id: string }[] }>("GET", "/api/v1/orgs/demo/devices");
  return body.items.map(({ id }) => id).sort();
};

describe("a key of the customer's own, over the whole stack", () => {
  it("is Sentinel's until an owner names another keeper, in the dashboard", async () => {
    const sent = await owner.send("POST", commands(), { name: "ping", args: { note: "before" } });
    expect(sent.status).toBe(202);
    await page.goto(`${stack.description.url}/o/demo/security`);
    const { email, password } = stack.description.owner;
    await signInByPassword(page, email, password);
    const section = page.getByRole("region", { name: "Encryption key" });
    await section.getByText("Working").waitFor();
    expect(await section.innerText()).toContain("Sentinel keeps the key");
    await page.screenshot({ path: join(pictures, "encryption-sentinel.png"), fullPage: true });

    await section.getByRole("button", { name: "Change keeper" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("combobox", { name: "Keeper" }).click();
    await page.getByRole("option", { name: "A key service of your own (HTTPS)" }).click();
    await dialog.getByLabel("Address").fill(address);
    await dialog.getByLabel("Token").fill(token);
    await page.screenshot({ path: join(pictures, "encryption-dialog.png") });
    await dialog.getByRole("button", { name: "Hand over" }).click();
    await section.getByText("A key service of your own").waitFor();
    expect(await section.innerText()).toContain(address);
    await page.screenshot({ path: join(pictures, "encryption-own.png"), fullPage: true });
  });

  it("leaves readable what was sealed before, and seals what comes", async () => {
    expect(await notes()).toEqual(["before"]);
    expect((await owner.send("POST", commands(), { name: "ping", args: { note: "after" } })).status).toBe(202);
    expect(await notes()).toEqual(["after", "before"]);
    // What the agent answers is sealed on its way into the database, and opens with the same key.
    const replies = await eventually("the agent has answered", async () => {
      const { body } = await owner.send<{ items: { id: string; reply: { id: string } | null }[] }>("GET", commands());
      return body.items.every(({ reply }) => reply !== null) ? body.items : null;
    });
    expect(replies.map(({ reply }) => reply?.id)).toEqual(replies.map(({ id }) => id));
  });

  it("once taken away keeps everybody from what it sealed, is on record, and says so to whoever looks", async () => {
    file = null;
    const section = page.getByRole("region", { name: "Encryption key" });
    await section.getByRole("button", { name: "Check now" }).click();
    await section.getByText("Can't be had", { exact: true }).waitFor();
    await page.screenshot({ path: join(pictures, "encryption-withdrawn.png"), fullPage: true });
    // The check has thrown away what was held in memory; without it, that is ten minutes at most.
    expect(await notes()).toEqual([503, "key_unavailable"]);
    const refused = await owner.send("POST", commands(), { name: "ping", args: { note: "never" } });
    expect([refused.status, refused.headers.get("Retry-After")]).toEqual([503, "5"]);
    const audit = await owner.send<{ items: { event: Record<string, unknown> }[] }>(
      "GET",
      "/api/v1/orgs/demo/audit?type=key_change",
    );
    expect(audit.body.items.map(({ event }) => [event["kind"], event["action"]])).toEqual(
      expect.arrayContaining([
        ["key_encryption_key", "rotated"],
        ["key_encryption_key", "unavailable"],
      ]),
    );
  });

  it("given back, opens everything again", async () => {
    file = key;
    await eventually("the key is back", async () => ((await notes()) as unknown[])[0] === "after" || null);
    const section = page.getByRole("region", { name: "Encryption key" });
    await section.getByRole("button", { name: "Check now" }).click();
    await section.getByText("Working").waitFor();
    expect(await notes()).toEqual(["after", "before"]);
    expect(complaints.all).toEqual([]);
  });

  it("is asked for once more when the operator has every organisation's keys wrapped anew", async () => {
    const anew = await tool("keys", "rewrap", "--all");
    expect([anew.status, anew.stdout, anew.stderr]).toEqual([
      0,
      expect.stringMatching(/ 0 failed\n✓ nothing is wrapped by another key/),
      expect.any(String),
    ]);
    expect(await notes()).toEqual(["after", "before"]);
  });

  it("opens the platform's backups for the operator's tool, which restores one, and nothing else does", {
    timeout: clockMsMax * 3,
  }, async () => {
    const removed = await enrolDevice(owner, "removed");
    const before = await devices();
    const made = await backUp();
    expect(made).toMatchObject({ state: "done", failure: null });
    expect((await owner.send("DELETE", `/api/v1/orgs/demo/devices/${removed.device_id}`)).status).toBeLessThan(300);
    const sent = await owner.send("POST", commands(), { name: "ping", args: { note: "late" } });
    expect(sent.status).toBe(202);
    const present = await backUp();
    expect(present).toMatchObject({ state: "done", failure: null });

    // The tool has no key of its own to back this organisation up with, and says which way there is.
    const backupKey = join(stateDir, "..", "backup.key");
    expect((await runCliAside(["backup", "make-key", backupKey])).status).toBe(0);
    const own = await tool("backup", "--org", "demo", "--to", join(stateDir, "..", "own"), "--key-file", backupKey);
    expect([own.status, own.stderr.split(":")[0]]).toEqual([1, "own_keeper"]);

    const restore = ["restore", made.id, "--into", "demo", "--confirm", "demo", "--before", present.id];
    file = null;
    // What capabilities have in memory is good for ten minutes; the check throws it away.
    expect((await owner.send("POST", "/api/v1/orgs/demo/encryption/verify")).status).toBe(503);
    const withdrawn = await tool(...restore);
    expect([withdrawn.status, withdrawn.stderr, await devices()]).toEqual([
      1,
      expect.stringMatching(/^key_unavailable: /m),
      before.filter((id) => id !== removed.device_id),
    ]);
    file = key;
    const restored = await eventually("the key is back", async () => {
      const tried = await tool(...restore);
      return tried.status === 0 ? tried : null;
    });
    expect(restored.stdout).toContain(`its hub knows the ${before.length} devices of then`);
    expect(await devices()).toEqual(before);
    // What was sealed opens again, and what came after the backup is gone.
    expect(await notes()).toEqual(["after", "before"]);
  });
});
