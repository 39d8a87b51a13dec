/** How an audit log leaves, and a person leaves it: by the dashboard's own buttons, in Chromium, on the real stack. */
import { createHmac } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { stepUpMsMax } from "../../core/limits.ts";
import { buildAuditVerify } from "../../scripts/audit-verify/build.ts";
import { repositoryRoot } from "../../scripts/units.ts";
import { runScript } from "../support/run-script.ts";
import { type Api, eventually, newPerson, testPassword } from "./support/api.ts";
import { Complaints, launchBrowser, signInByPassword } from "./support/browser.ts";
import { freshStateDir, type StackProcess, startStackProcess } from "./support/stack-process.ts";
import { done, newMember, newOrg, type TestPerson } from "./support/things.ts";

// A checkpoint takes up to a minute, and the stream's clock comes every few seconds.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const pictures = join(repositoryRoot, "test-results", "screenshots");

/** What the school's own system got, and what it answers. */
interface Arrived {
  readonly id: string;
  readonly timestamp: string;
  readonly signature: string;
  readonly body: string;
}
const receiver = { status: 204, arrived: [] as Arrived[] };
let server: Server;
let origin: string;
let stack: StackProcess;
let control: Client;
let browser: Browser;
let page: Page;
let folder: string;
let owner: TestPerson;
let admin: TestPerson;
let member: TestPerson;
let gone: TestPerson;
let org: string;
let secret = "";
// What refusals on purpose make the browser log.
const complaints = new Complaints();
const expected = /status of (401|403|404|409|422|429)/;

beforeAll(async () => {
  server = createServer(async (incoming, outgoing) => {
    let body = "";
    for await (const chunk of incoming) body += String(chunk);
    const header = (name: string): string => String(incoming.headers[name]);
    const message = { timestamp: header("webhook-timestamp"), signature: header("webhook-signature"), body };
    receiver.arrived.push({ id: header("webhook-id"), ...message });
    outgoing.writeHead(receiver.status).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  process.env["LOOPBACK_STREAMS"] = origin;
  mkdirSync(pictures, { recursive: true });
  folder = mkdtempSync(join(tmpdir(), "sentinel-leaving-"));
  [browser, stack] = await Promise.all([
    launchBrowser(),
    startStackProcess(freshStateDir(), ["--quiet", "--no-agent", "--limit-scale", "1000", "--pace", "12"]),
  ]);
  const { url, mailDir } = stack.description;
  control = new Client(Object.values(stack.description.databaseUrls)[0]);
  await control.connect();
  owner = await newPerson(url, mailDir, "leaving");
  org = await newOrg(owner.api, "leaving");
  admin = await newMember(mailDir, owner.api, org, "admin");
  member = await newMember(mailDir, owner.api, org, "viewer");
  gone = await newMember(mailDir, owner.api, org, "analyst");
  await done(owner.api.send("DELETE", `/api/v1/orgs/${org}/members/${gone.userId}`));
  page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  complaints.watch(page, expected);
  await page.goto(`${url}/o/${org}/audit`);
  await signInByPassword(page, owner.email, testPassword);
  await page.getByRole("heading", { name: "Audit log" }).waitFor();
});

afterAll(async () => {
  delete process.env["LOOPBACK_STREAMS"];
  await browser?.close();
  await control?.end();
  await stack?.discard();
  server?.close();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

const entriesOf = (): { first: number; last: number }[] =>
  receiver.arrived
    .map(({ body }) => JSON.parse(body))
    .filter(({ type }) => type === "audit.entries")
    .map(({ data }) => ({ first: data.first_seq, last: data.last_seq }));
const isSigned = ({ id, timestamp, body, signature }: Arrived): boolean => {
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  return signature === `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`;
};
const streamSection = () => page.getByRole("region", { name: "Stream to a SIEM" });
/** Something more for the log. */
const act = (api: Api = owner.api) => done(api.send("GET", `/api/v1/orgs/${org}/members`));
interface Stream {
  readonly state: string;
  readonly delivered_at: string | null;
  readonly dead_letters: readonly { readonly first_seq: number }[];
}
/**
 * Waits until the stream is as is wanted, and then looks at the page, which by itself asks once a minute. One that has
 * sent everything is looked at again half a minute later (turn.ts): that time passes at once.
 */
async function comesTo(isSo: (stream: Stream) => boolean): Promise<void> {
  const idle = "next_at > now() AND next_at < now() + interval '31 seconds'";
  const asked = async () => {
    await control.query(`UPDATE control.audit_streams SET next_at = now() WHERE ${idle}`);
    return isSo((await done(owner.api.send<{ stream: Stream }>("GET", `/api/v1/orgs/${org}/audit/stream`))).stream);
  };
  await vi.waitUntil(asked, { timeout: 90_000, interval: 500 });
  await page.reload();
  await streamSection().getByRole("button", { name: "Stop streaming" }).waitFor();
}
const isSending = ({ state, delivered_at }: Stream): boolean => state === "sending" && delivered_at !== null;

describe("an audit log that is exported in the dashboard", () => {
  it("shows how far it is, and is a file that the offline verifier believes", async () => {
    const status = `/api/v1/orgs/${org}/audit/status`;
    type Status = { readonly checkpoint: { readonly size: number } | null };
    const signed = async () => (await done(owner.api.send<Status>("GET", status))).checkpoint;
    await eventually("a checkpoint", signed, 90_000);
    const section = page.getByRole("region", { name: "Export" });
    // Held up on its way, so that there is something to see.
    let letGo = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    await page.route("**/audit/export?*", async (route) => {
      await held;
      await route.continue();
    });
    const saved = page.waitForEvent("download");
    await section.getByRole("button", { name: "Export JSON lines" }).click();
    await section.getByRole("progressbar", { name: "Exporting the audit log" }).waitFor();
    await section.getByRole("button", { name: "Cancel" }).waitFor();
    letGo();
    const download = await saved;
    await section.getByText(/Done: the log up to no\. \d+/).waitFor();
    await page.unroute("**/audit/export?*");
    expect(download.suggestedFilename()).toBe(`audit-${org}.jsonl`);
    const file = join(folder, "audit.jsonl");
    await download.saveAs(file);
    const script = await buildAuditVerify(join(folder, "sentinel-audit-verify.mjs"));
    const verify = () => runScript([script, file], { cwd: folder });
    const run = await verify();
    expect([run.status, run.output]).toEqual([0, expect.stringContaining("what was signed")]);
  });
});

describe("a stream that is set up in the dashboard", () => {
  it("shows its secret once, sends a test message and says what the receiver answered", async () => {
    await streamSection().getByText("The log is streamed nowhere.").waitFor();
    await streamSection().getByRole("button", { name: "Set up" }).click();
    const dialog = page.getByRole("dialog", { name: "Stream the audit log" });
    await dialog.getByLabel("Address").fill(`${origin}/hook?token=theirs`);
    await dialog.getByRole("button", { name: "Save" }).click();
    const once = page.getByRole("dialog", { name: "The secret that signs" });
    await once.waitFor();
    secret = /whsec_[A-Za-z0-9+/=]+/.exec((await once.innerHTML()).replaceAll("&#x3D;", "="))?.[0] ?? "";
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    await page.keyboard.press("Escape");
    if (await once.isVisible()) await once.getByRole("button").last().click();
    await once.waitFor({ state: "hidden" });

    await streamSection().getByRole("button", { name: "Send a test message" }).click();
    await streamSection()
      .getByText(/^Taken after \d+ ms \(204\)\.$/)
      .waitFor();
    const test = receiver.arrived.find(({ body }) => JSON.parse(body).type === "audit.test");
    if (test === undefined) throw new Error("no test message arrived");
    expect(isSigned(test)).toBe(true);
    await page.screenshot({ path: join(pictures, "audit-stream-test.png"), fullPage: true });
  });

  it("is seen sending, every entry signed and in order", async () => {
    await act();
    await comesTo((stream) => isSending(stream) && entriesOf().length > 0);
    await streamSection().getByText("Sending", { exact: true }).waitFor();
    const ranges = entriesOf();
    expect(ranges.slice(1).map(({ first }) => first)).toEqual(ranges.slice(0, -1).map(({ last }) => last + 1));
    expect(receiver.arrived.map(isSigned)).not.toContain(false);
  });

  it("puts aside what is refused for good, and sends it again when that is clicked", async () => {
    receiver.status = 422;
    await act();
    const aside = () => page.getByRole("list", { name: "Messages that were put aside" });
    await comesTo(({ dead_letters }) => dead_letters.length > 0);
    await aside().getByText("it refuses the message for good (422)").first().waitFor();
    await page.screenshot({ path: join(pictures, "audit-stream-dead-letter.png"), fullPage: true });
    receiver.status = 204;
    const button = aside()
      .getByRole("button", { name: /^Send entries \d+ to \d+ again$/ })
      .first();
    const label = (await button.getAttribute("aria-label")) ?? "";
    const [, first, last] = /(\d+) to (\d+)/.exec(label)?.map(Number) ?? [];
    const sent = () => entriesOf().filter((range) => range.first === first && range.last === last).length;
    const before = sent();
    expect(before).toBeGreaterThan(0);
    await button.click();
    await comesTo(({ dead_letters }) => sent() > before && dead_letters.every(({ first_seq }) => first_seq !== first));
    expect(await page.getByRole("button", { name: label }).count()).toBe(0);
    const ids = receiver.arrived.map(({ id }) => id).filter((id) => id.endsWith(`.${first}-${last}`));
    expect(new Set(ids).size).toBe(1);
  });

  it("stops where it is told to, says why, and goes on when that is clicked", async () => {
    receiver.status = 410;
    await act();
    await comesTo(({ state }) => state === "stopped");
    await streamSection().getByText("Stopped", { exact: true }).waitFor();
    await streamSection()
      .getByText(/it wants no more, ever \(410\)/)
      .waitFor();
    await streamSection().getByRole("button", { name: "Send a test message" }).click();
    await streamSection()
      .getByText(/^Not taken after \d+ ms: it wants no more, ever \(410\)\.$/)
      .waitFor();
    await page.setViewportSize({ width: 390, height: 844 });
    await page.emulateMedia({ colorScheme: "dark" });
    await streamSection().scrollIntoViewIfNeeded();
    await page.screenshot({ path: join(pictures, "audit-stream-stopped-narrow-dark.png") });
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.emulateMedia({ colorScheme: "light" });
    receiver.status = 204;
    await streamSection().getByRole("button", { name: "Try now" }).click();
    await comesTo(isSending);
    await streamSection().getByText("Sending", { exact: true }).waitFor();
  });
});

describe("a person who is erased in the dashboard", () => {
  const dialog = () => page.getByRole("dialog", { name: "Erase a person from the audit log" });
  const fill = async (user: string, words: string): Promise<void> => {
    await dialog().getByLabel("Id of the person").fill(user);
    await dialog().getByLabel("Write “erase for good”").fill(words);
    await dialog().getByRole("button", { name: "Erase for good" }).click();
  };

  it("is so after it was written out and proven, and not by a click too many", async () => {
    const old = new Date(Date.now() - stepUpMsMax - 1000);
    await control.query("UPDATE control.sessions SET proven_at = $2 WHERE user_id = $1", [owner.userId, old]);
    await page.goto(`${stack.description.url}/o/${org}/audit?target=${gone.userId}`);
    await page.getByRole("table", { name: "Audit log" }).getByRole("row").nth(1).waitFor();
    await page.getByRole("button", { name: "Erase a person" }).click();
    await page.screenshot({ path: join(pictures, "audit-erasure.png") });
    await fill(gone.userId, "yes");
    await dialog()
      .getByText(/Both are needed/)
      .waitFor();
    await fill(gone.userId, "Erase for good");
    // The proof is asked for in a dialog of its own, and what was asked then goes on.
    const proof = page.getByRole("dialog", { name: "Is it still you?" });
    await proof.getByLabel("Password", { exact: true }).fill(testPassword);
    await proof.getByRole("button", { name: "Continue" }).click();
    await page.getByText(`${gone.userId} can’t be read in this log any more.`).waitFor();
    await page.goto(`${stack.description.url}/o/${org}/audit?target=${gone.userId}`);
    await page.getByText("No entry matches").waitFor();
    await page.goto(`${stack.description.url}/o/${org}/audit?type=person_erased`);
    await page
      .getByRole("table", { name: "Audit log" })
      .getByText("A person was erased from this log")
      .first()
      .waitFor();
  });

  it("is refused in words: a member, somebody whom the log does not name", async () => {
    await page.getByRole("button", { name: "Erase a person" }).click();
    await fill(member.userId, "erase for good");
    await dialog().getByText("They are a member; remove them first").waitFor();
    await fill(gone.userId, "erase for good");
    await dialog().getByText("This log names no such person.").waitFor();
    await page.setViewportSize({ width: 390, height: 844 });
    await page.emulateMedia({ colorScheme: "dark" });
    await page.screenshot({ path: join(pictures, "audit-erasure-narrow-dark.png") });
  });

  it("is offered to owners alone, and no page complained of anything", async () => {
    const theirs = await browser.newPage();
    await theirs.goto(`${stack.description.url}/o/${org}/audit`);
    await signInByPassword(theirs, admin.email, testPassword);
    await theirs.getByRole("region", { name: "Stream to a SIEM" }).waitFor();
    expect(await theirs.getByRole("button", { name: "Erase a person" }).count()).toBe(0);
    expect(complaints.all).toEqual([]);
  });
});
