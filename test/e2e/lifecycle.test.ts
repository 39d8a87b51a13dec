/** An organisation suspended, resumed, deleted and taken back over the whole system: CLI, edge, studio, hub, pages. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { connectAsync, type MqttClient } from "mqtt";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { repositoryRoot } from "../../scripts/units.ts";
import { runCliAside } from "../postgres/cli/run-cli.ts";
import { newPerson, testPassword } from "./support/api.ts";
import { Complaints, launchBrowser, signInByPassword } from "./support/browser.ts";
import { ended, rawGet } from "./support/sockets.ts";
import { type BorrowedStack, borrowStack } from "./support/stack-pool.ts";
import { done, newKey, newMember, newOrg, type TestPerson } from "./support/things.ts";

const pictures = join(repositoryRoot, "test-results", "screenshots");
/** The edge hears of a change within a minute. */
const withinAMinute = { timeout: 180_000, interval: 1000 };
let stack: BorrowedStack;
let browser: Browser;
let owner: TestPerson;
let member: TestPerson;
let slug: string;
let device: { device_id: string; token: string; mqtt_url: string };

beforeAll(async () => {
  mkdirSync(pictures, { recursive: true });
  [browser, stack] = await Promise.all([launchBrowser(), borrowStack()]);
  const { url, mailDir } = stack.description;
  owner = await newPerson(url, mailDir, "owner");
  slug = await newOrg(owner.api, "closing");
  member = await newMember(mailDir, owner.api, slug, "admin");
  const path = `/api/v1/orgs/${slug}`;
  const { code } = await done<{ code: string }>(
    owner.api.send("POST", `${path}/enrollment-codes`, { name: "x", max_uses: 5, expires_in_seconds: 600 }),
  );
  device = await done(owner.api.send("POST", "/api/v1/enroll", { code, name: "pc", platform: "linux" }));
});
afterAll(async () => {
  await browser?.close();
  await stack?.discard();
});

async function sentinel(...args: string[]): Promise<{ status: number | null; output: string }> {
  const { status, stdout, stderr } = await runCliAside([...args, "--state", stack.stateDir]);
  return { status, output: `${stdout}${stderr}` };
}

const connect = (): Promise<MqttClient> =>
  connectAsync(device.mqtt_url, {
    protocolVersion: 5,
    username: device.device_id,
    password: device.token,
    reconnectPeriod: 0,
    connectTimeout: 10_000,
  });
/** What the upgrade itself is answered with; the client library does not say. */
const upgradeStatus = (): Promise<number> =>
  rawGet(stack.description.url, new URL(device.mqtt_url).pathname, [
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol: mqtt",
  ]);
const codeOf = async (person: TestPerson, path = "/devices") =>
  (await person.api.send<{ code?: string }>("GET", `/api/v1/orgs/${slug}${path}`)).body.code ?? "none";

describe("an organisation that the operator suspends", () => {
  it("is shut for its members, programs and devices at once, with sockets closed, and open again when resumed", async () => {
    const { key } = await newKey(owner.api, slug, "readonly");
    const socket = await connect();
    const closed = ended(socket);
    const suspended = await sentinel("tenants", "suspend", slug);
    expect(suspended).toEqual({ status: 0, output: expect.stringContaining("is suspended") });
    await closed;
    for (const person of [owner, member]) expect(await codeOf(person)).toBe("org_suspended");
    const program = await fetch(`${owner.api.base}/api/v1/orgs/${slug}/devices`, {
      headers: { Authorization: `Bearer ${key}` },
    });
    expect([program.status, ((await program.json()) as { code: string }).code]).toEqual([403, "org_suspended"]);
    expect(await upgradeStatus()).toBe(403);

    expect((await sentinel("tenants", "resume", slug)).output).toContain("is active");
    await vi.waitUntil(async () => (await codeOf(member)) === "none", withinAMinute);
    await vi.waitUntil(async () => (await upgradeStatus()) === 101, withinAMinute);
    await (await connect()).endAsync();
  });
});

describe("an organisation that its owner deletes in the dashboard", () => {
  const complaints = new Complaints();
  let page: Page;
  const at = (path: string): string => `${stack.description.url}${path}`;

  it("is shut when its slug was typed, and says when it will be gone", async () => {
    page = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
    complaints.watch(page, /^Failed to load resource: the server responded with a status of 4(01|03|22) |WebSocket/);
    await page.goto(at(`/o/${slug}/security`));
    await signInByPassword(page, owner.email, testPassword);
    await page.getByText("1 of").first().waitFor({ timeout: 120_000 });
    await page.getByRole("button", { name: "Rename organisation" }).click();
    await page.getByRole("dialog").getByLabel("Name").fill("Renamed on its page");
    await page.getByRole("dialog").getByRole("button", { name: "Rename", exact: true }).click();
    await page.getByText("What Renamed on its page asks of its members").waitFor({ timeout: 120_000 });
    await page.getByRole("button", { name: "Delete organisation" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel(`Type ${slug} to delete it`).fill(`${slug}x`);
    await dialog.getByRole("button", { name: "Delete organisation" }).click();
    await dialog.getByText("must be the organisation's own slug").waitFor({ timeout: 120_000 });
    await dialog.getByLabel(`Type ${slug} to delete it`).fill(slug);
    await page.screenshot({ path: join(pictures, "organisation-delete.png"), fullPage: true });
    await dialog.getByRole("button", { name: "Delete organisation" }).click();
    await page.getByRole("heading", { name: "is to be deleted" }).waitFor({ timeout: 120_000 });
    await page.getByRole("button", { name: "Take the deletion back" }).waitFor({ timeout: 120_000 });
    await page.screenshot({ path: join(pictures, "organisation-deleting.png") });
    expect(await codeOf(member)).toBe("org_deleting");
    expect(await upgradeStatus()).toBe(403);
  });

  it("is open again when an owner takes that back, with all that it had", async () => {
    await page.getByRole("button", { name: "Take the deletion back" }).click();
    await page.getByRole("heading", { name: "Security" }).waitFor({ timeout: 60_000 });
    await vi.waitUntil(async () => (await codeOf(member)) === "none", withinAMinute);
    const { items } = await done<{ items: { id: string }[] }>(member.api.send("GET", `/api/v1/orgs/${slug}/devices`));
    expect(items.map(({ id }) => id)).toEqual([device.device_id]);
    expect(complaints.all).toEqual([]);
  }, 180_000);
});
