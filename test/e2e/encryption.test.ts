import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createFileKeeper } from "../../scripts/keeper/file-keeper.ts";
import { repositoryRoot } from "../../scripts/units.ts";
import { type Api, eventually, signIn } from "./support/api.ts";
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
    startStackProcess(stateDir, ["--quiet", "--limit-scale", "1000"]),
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
  await stack?.stop();
  keeper?.close();
  keeper?.closeAllConnections();
  removeStateDir(stateDir);
});

const commands = (): string => `/api/v1/orgs/demo/devices/${device}/commands`;
const notes = async (): Promise<unknown> => {
  const { status, body } = await owner.send<{ code?: string; items: { args: { note?: string } }[] }>("GET", commands());
  return status === 200 ? body.items.map(({ args }) => args.note) : [status, body.code];
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
});
