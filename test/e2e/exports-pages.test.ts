import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { repositoryRoot } from "../../scripts/units.ts";
import { type S3Peer, s3Bucket, s3Credentials, s3Region, startS3Peer } from "../support/aws/s3-peer.ts";
import { enrolDevice, signIn, testPassword } from "./support/api.ts";
import { Complaints, launchBrowser, signInByPassword } from "./support/browser.ts";
import { type Receiver, startReceiver } from "./support/export-receiver.ts";
import { freshStateDir, removeStateDir, type StackProcess, startStackProcess } from "./support/stack-process.ts";
import { newMember } from "./support/things.ts";

// Exports on the dashboard, over the whole stack and its queue, with a bucket beside it that verifies signatures.

const pictures = join(repositoryRoot, "test-results", "screenshots");
const stateDir = freshStateDir();
const complaints = new Complaints();
let bucket: S3Peer;
let hook: Receiver;
let stack: StackProcess;
let browser: Browser;
let page: Page;

const shoot = (name: string): Promise<unknown> =>
  page.screenshot({ path: join(pictures, `exports-${name}.png`), fullPage: true });
const rows = (of = page) => of.getByRole("region", { name: "All exports" }).getByRole("listitem");
/** Chooses in one of Kumo's selects. */
const choose = async (label: string, option: string): Promise<void> => {
  await page.getByRole("dialog").getByRole("combobox", { name: label }).click();
  await page.getByRole("option", { name: option, exact: true }).click();
};
const ask = async (choices: Readonly<Record<string, string>> = {}): Promise<void> => {
  await page.getByRole("button", { name: "New export" }).click();
  for (const [label, option] of Object.entries(choices)) await choose(label, option);
  await page.getByRole("dialog").getByRole("button", { name: "Export", exact: true }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
};

beforeAll(async () => {
  mkdirSync(pictures, { recursive: true });
  bucket = await startS3Peer();
  hook = await startReceiver();
  process.env["LOOPBACK_EXPORTS"] = `${bucket.origin},${hook.origin}`;
  const flags = ["--port", "0", "--quiet", "--no-agent", "--limit-scale", "1000"];
  [browser, stack] = await Promise.all([launchBrowser(), startStackProcess(stateDir, flags)]);
  page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(60_000);
  // A bucket is pointed elsewhere without its secret, on purpose.
  complaints.watch(page, /^Failed to load resource: the server responded with a status of 422 /);
  await page.goto(`${stack.description.url}/o/demo/exports`);
  const { email, password } = stack.description.owner;
  await signInByPassword(page, email, password);
  await page.getByRole("heading", { name: "Exports", exact: true }).waitFor();
}, 300_000);
afterAll(async () => {
  delete process.env["LOOPBACK_EXPORTS"];
  await browser?.close();
  await stack?.discard();
  await bucket?.stop();
  await hook?.stop();
  removeStateDir(stateDir);
});

describe("exports in Chromium, on the real stack", { timeout: 240_000 }, () => {
  it("begin with none, and say what there is", async () => {
    await page.getByText("No export yet").waitFor();
    await page.getByText("Exports of more than 100,000 rows wait for one").waitFor();
    await shoot("empty");
  });

  it("are made in the background and downloaded by whoever asked", async () => {
    await ask();
    const first = rows().filter({ hasText: "Devices as CSV" }).first();
    await first.getByText("Done").waitFor();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      first.getByRole("button", { name: /^Download/ }).click(),
    ]);
    expect(download.suggestedFilename()).toMatch(/^inventory-\d{4}-\d\d-\d\d-exp_.+\.csv$/);
    expect(readFileSync(await download.path(), "utf8").split(/\r?\n/)[0]).toContain("name");
    await shoot("done");
  });

  it("go to a bucket of the organisation's own, which is tested first", async () => {
    await page.getByRole("button", { name: "Add a destination" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name", { exact: true }).fill("Our bucket");
    await dialog.getByLabel("Address of the service").fill(bucket.origin);
    await dialog.getByLabel("Region").fill(s3Region);
    await dialog.getByLabel("Bucket", { exact: true }).fill(s3Bucket);
    await dialog.getByRole("checkbox").click();
    await dialog.getByLabel("Access key ID").fill(s3Credentials.accessKeyId);
    await dialog.getByLabel("Secret access key").fill(s3Credentials.secretAccessKey);
    await shoot("new-destination");
    await dialog.getByRole("button", { name: "Add destination" }).click();
    await dialog.waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Test Our bucket" }).click();
    await page.getByText("Works", { exact: true }).waitFor();
    expect(await page.content()).not.toContain(s3Credentials.secretAccessKey);
    await ask({ Format: "JSON lines", "Where to": "Our bucket" });
    const row = rows().filter({ hasText: "Devices as JSON lines" }).first();
    await row.getByText("Done").waitFor();
    await row.getByText(`to ${s3Bucket}/inventory-`).waitFor();
    expect([...bucket.objects.keys()].filter((name) => name.endsWith(".jsonl"))).toHaveLength(1);
    await shoot("delivered");
  });

  it("go to a webhook, which proves each message with the secret that it was shown", async () => {
    await page.getByRole("button", { name: "Add a destination" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("Webhook", { exact: true }).click();
    await dialog.getByLabel("Name", { exact: true }).fill("Our receiver");
    await dialog.getByLabel("Address", { exact: true }).fill(`${hook.origin}/first`);
    await dialog.getByRole("button", { name: "Add destination" }).click();
    const first = (await dialog.getByRole("group", { name: "Signing secret" }).locator("code").innerText()).trim();
    await dialog.getByRole("button").last().click();
    await dialog.waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Test Our receiver" }).click();
    await expect.poll(() => hook.came.length, { timeout: 60_000 }).toBe(1);
    expect(hook.came[0]?.isOf(first)).toBe(true);
    // Another address and another secret: the one before is worth nothing from then on.
    await page.getByRole("button", { name: "Change Our receiver" }).click();
    expect(await dialog.getByLabel("Address", { exact: true }).inputValue()).toBe(`${hook.origin}/first`);
    await dialog.getByLabel("Address", { exact: true }).fill(`${hook.origin}/second`);
    await dialog.getByRole("checkbox").click();
    await shoot("change-destination");
    await dialog.getByRole("button", { name: "Save" }).click();
    const second = (await dialog.getByRole("group", { name: "Signing secret" }).locator("code").innerText()).trim();
    expect(second).not.toBe(first);
    await dialog.getByRole("button").last().click();
    await dialog.waitFor({ state: "detached" });
    await ask({ Format: "CSV", "Where to": "Our receiver" });
    const row = rows()
      .filter({ hasText: `to ${new URL(hook.origin).host}` })
      .first();
    await row.getByText("Done").waitFor();
    const messages = hook.came.slice(1);
    expect(messages.map(({ path, type }) => [path, type])).toEqual([
      ["/second", "export.part"],
      ["/second", "export.complete"],
    ]);
    expect(messages.every((message) => message.isOf(second) && !message.isOf(first))).toBe(true);
    expect(Buffer.from(messages[0]?.data.base64 ?? "", "base64").toString()).toContain("device_id");
  });

  it("of a bucket keep its secret when its name changes, and not when it is meant for elsewhere", async () => {
    await page.getByRole("button", { name: "Change Our bucket" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name", { exact: true }).fill("Our vault");
    await dialog.getByLabel("Region").fill("us-east-1");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.getByText("must be given anew", { exact: false }).waitFor();
    await dialog.getByLabel("Region").fill(s3Region);
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Test Our vault" }).click();
    await page.getByText("Works", { exact: true }).first().waitFor();
  });

  it("are asked for from the pages whose things they are of", async () => {
    const { url, owner } = stack.description;
    const { device_id } = await enrolDevice((await signIn(url, owner.email, owner.password)).api, "pc 1");
    for (const [from, what] of [
      [`/devices/${device_id}`, "Readings"],
      ["", "Devices"],
      ["/documents", "Documents"],
      ["/audit", "Audit log"],
    ] as const) {
      await page.goto(`${url}/o/demo${from}`);
      await page.getByRole("link", { name: "Export", exact: true }).waitFor();
      await shoot(`from-${what.split(" ")[0]?.toLowerCase()}`);
      await page.getByRole("link", { name: "Export", exact: true }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByRole("combobox", { name: "What" }).filter({ hasText: what }).waitFor();
      if (what === "Readings") await dialog.getByText("Readings of this one device").waitFor();
      await page.keyboard.press("Escape");
      await dialog.waitFor({ state: "detached" });
    }
    await page.goto(`${url}/o/demo/exports`);
  });

  it("wait above the limit, and a second administrator agrees; nobody agrees to their own", async () => {
    await page.getByRole("button", { name: "Change limit" }).click();
    await page.getByLabel("Rows that leave on one person's word").fill("0");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Every export waits for one").waitFor();
    // An export of something: the log has entries.
    await ask({ What: "Audit log" });
    const mine = rows().filter({ hasText: "Audit log as CSV" }).first();
    await mine.getByText("Waits for a second administrator").waitFor();
    expect(await mine.getByRole("button", { name: /^Agree/ }).count()).toBe(0);
    await shoot("waiting");
    const { url, owner, org, mailDir } = stack.description;
    const { api } = await signIn(url, owner.email, owner.password);
    const second = await newMember(mailDir, api, org.id, "owner");
    const other = await browser.newContext();
    const theirs = await other.newPage();
    theirs.setDefaultTimeout(60_000);
    await theirs.goto(`${url}/o/demo/exports`);
    await signInByPassword(theirs, second.email, testPassword);
    const seen = rows(theirs).filter({ hasText: "Audit log as CSV" }).first();
    await seen.getByRole("button", { name: /^Agree/ }).click();
    await mine.getByText("Done").waitFor();
    await mine.getByRole("button", { name: /^Download/ }).waitFor();
    expect(await seen.getByRole("button", { name: /^Download/ }).count()).toBe(0);
    // Whoever agrees sees where it leads, and not only what somebody calls it.
    await ask({ What: "Audit log", Format: "JSON lines", "Where to": "Our vault" });
    await theirs.reload();
    const there = rows(theirs).filter({ hasText: "Audit log as JSON lines" }).first();
    await there.getByText(`${bucket.origin}/${s3Bucket}/`, { exact: true }).waitFor();
    await there.getByRole("button", { name: /^Agree/ }).click();
    await rows().filter({ hasText: "Audit log as JSON lines" }).first().getByText(`to ${s3Bucket}/audit-`).waitFor();
    await other.close();
  });

  it("read on a telephone as well", async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(wide).toBeLessThanOrEqual(390);
    await shoot("phone");
    expect(complaints.all).toEqual([]);
  });
});
