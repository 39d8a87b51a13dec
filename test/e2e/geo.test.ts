import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { repositoryRoot } from "../../scripts/units.ts";
import { type Api, newPerson, testPassword } from "./support/api.ts";
import { Complaints, launchBrowser, signInByPassword } from "./support/browser.ts";
import { type BorrowedStack, borrowStack } from "./support/stack-pool.ts";
import { done, newMember, newOrg, type TestPerson } from "./support/things.ts";

const pictures = join(repositoryRoot, "test-results", "screenshots");
/** What a browser logs of each answer that refuses on purpose. */
const refusals = /^Failed to load resource: the server responded with a status of 4(01|03|09) /;
const patiently = { timeout: 120_000 };

let stack: BorrowedStack;
let browser: Browser;
let owner: TestPerson;
let org: string;
let api: Api;
let page: Page;
const complaints = new Complaints();

const at = (path: string): string => `${stack.description.url}${path}`;
const from = (country: string) => ({
  "MF-CF-Blob": JSON.stringify({ country, asn: 3320, tlsVersion: "TLSv1.3" }),
  "CF-Connecting-IP": "198.51.100.7",
});
const policies = () => `/api/v1/orgs/${org}/policies/geo`;
/** The edge's isolates keep a policy for a minute. */
const withinAMinute = { timeout: 180_000, interval: 1000 };

async function newPage(country: string): Promise<Page> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 1000 },
    extraHTTPHeaders: from(country),
  });
  const made = await context.newPage();
  complaints.watch(made, refusals);
  return made;
}

beforeAll(async () => {
  mkdirSync(pictures, { recursive: true });
  [browser, stack] = await Promise.all([launchBrowser(), borrowStack()]);
  const { url, mailDir } = stack.description;
  owner = await newPerson(url, mailDir, "geo-owner");
  org = await newOrg(owner.api, "geo-school");
  api = owner.api;
  page = await newPage("IN");
  await page.goto(at(`/o/${org}/sign-in`));
  await signInByPassword(page, owner.email, testPassword);
  await page.getByRole("heading", { name: "Devices" }).waitFor(patiently);
});

afterAll(async () => {
  await browser?.close();
  await stack?.discard();
});

/** Beside geo because it is on the same page of the same stack. */
describe("the firewall's policy on the real stack, in Chromium", () => {
  const groups = () => `/api/v1/orgs/${org}/groups`;
  // What somebody called a group, and what reads like an attack.
  const name = "x' UNION SELECT name FROM teachers --";
  const make = async () => (await api.send<{ code?: string }>("POST", groups(), { name })).status;

  it("shows what was refused and why, and lets it pass where somebody allows just that", async () => {
    expect(await make()).toBe(403);
    const decisions = () =>
      api.send<{ items: { endpoint: string }[] }>("GET", `/api/v1/orgs/${org}/policies/waf/decisions`);
    await expect.poll(async () => (await decisions()).body.items.length, withinAMinute).toBeGreaterThan(0);
    await page.goto(at(`/o/${org}/security`));
    const section = page.getByRole("region", { name: "What the firewall did" });
    await section.getByText("x' UNION SELECT").first().waitFor(patiently);
    await page.screenshot({ path: join(pictures, "waf-decisions.png"), fullPage: true });
    await section.getByRole("button", { name: /^Allow this: body\.name/ }).click();
    const dialog = page.getByRole("dialog", { name: "Allow this" });
    await dialog.getByRole("button", { name: "Allow it" }).click();
    await dialog.waitFor({ state: "hidden", ...patiently });
    await page.getByRole("list", { name: "Exemptions" }).getByText("body.name").first().waitFor(patiently);
    await expect.poll(make, withinAMinute).toBe(201);
    // Another field of the same request is judged as before.
    const elsewhere = await api.send("POST", `${groups()}?note=${encodeURIComponent(name)}`, { name: "7A" });
    expect(elsewhere.status).toBe(403);
  });

  it("shows what is refused while one looks: on a map, by kind, rule and network, and no address", async () => {
    await page.goto(at(`/o/${org}/security`));
    const section = page.getByRole("region", { name: "Blocks", exact: true });
    await section.getByRole("img", { name: /world map/ }).waitFor(patiently);
    await section.getByRole("table", { name: "Refused by kind of attack" }).getByText("Sql injection").waitFor();
    const rules = section.getByRole("table", { name: "Rules that refused most" }).getByRole("row");
    const before = await rules.count();
    // Another attack, which shows itself without anybody's doing.
    const path = `/api/v1/orgs/${org}/groups?note=${encodeURIComponent("<script>alert(1)</script>")}`;
    expect((await api.send("POST", path, { name: "7B" })).status).toBe(403);
    await expect.poll(() => rules.count(), withinAMinute).toBeGreaterThan(before);
    await section.getByText("7 days", { exact: true }).click();
    const networks = section.getByRole("table", { name: "Networks that were refused most" });
    await networks
      .getByText(/\.0\/24$/)
      .first()
      .waitFor(patiently);
    expect(await section.textContent()).not.toMatch(/\d+\.\d+\.\d+\.[1-9]\d*(?!\/)/);
    await page.screenshot({ path: join(pictures, "blocks.png"), fullPage: true });
  });

  it("tries a change on what is on record before it is saved, and saves rules of one's own", async () => {
    const section = page.getByRole("region", { name: "Firewall", exact: true });
    await section.getByText("Only log", { exact: true }).click();
    await section.getByRole("button", { name: "Try it on the last 7 days" }).click();
    await page
      .getByRole("region", { name: "Result of the replay" })
      .getByText(/of \d+ requests/i)
      .waitFor(patiently);
    await section.getByText("Refuse", { exact: true }).click();
    await section.getByRole("button", { name: "Add a rule" }).click();
    await section.getByRole("textbox", { name: "Name", exact: true }).fill("no scripts");
    await section.getByRole("textbox", { name: "Value", exact: true }).fill("script-kit");
    await section.getByLabel("One of Sentinel’s rules").fill("sqli-clause");
    await section.getByRole("button", { name: "Only log it" }).click();
    await page.screenshot({ path: join(pictures, "waf-rule.png"), fullPage: true });
    await section.getByRole("button", { name: "Save" }).click();
    await page.getByText("Firewall policy saved").waitFor(patiently);
    const policy = `/api/v1/orgs/${org}/policies/waf`;
    const stored = await api.send<{ rules: object[]; overrides: object }>("GET", policy);
    expect(stored.body.overrides).toEqual({ "sqli-clause": "log" });
    expect(stored.body.rules).toEqual([
      {
        name: "no scripts",
        action: "log",
        match: "all",
        conditions: [{ field: "user_agent", operator: "contains", value: "script-kit" }],
      },
    ]);
  });
});

describe("limits and roll-outs on the real stack, in Chromium", () => {
  it("are set within the platform's bounds, and shown with what of them is used", async () => {
    await page.goto(at(`/o/${org}/security`));
    const section = page.getByRole("region", { name: "Limits", exact: true });
    const packets = section.getByRole("group", { name: /^Each device/ }).getByLabel("MQTT packets a second");
    await packets.fill("101");
    await section.getByRole("button", { name: "Save" }).click();
    // The browser refuses it by the bound that the server gave.
    expect(await packets.evaluate((input) => (input as HTMLInputElement).validity.rangeOverflow)).toBe(true);
    await packets.fill("20");
    await section.getByRole("button", { name: "Save" }).click();
    await page.getByText("Limits saved").waitFor(patiently);
    const stored = await api.send<{ devices: object }>("GET", `/api/v1/orgs/${org}/policies/limits`);
    expect(stored.body.devices).toMatchObject({ packets_per_second: 20, connects_per_minute: 60 });
    const inUse = page.getByRole("region", { name: "Limits in use" });
    await inUse.getByText("Requests in the last minute").waitFor(patiently);
    // The page's own requests are among those that are counted.
    await expect
      .poll(async () => {
        const { body } = await api.send<{ requests: { used: number } }>(
          "GET",
          `/api/v1/orgs/${org}/policies/limits/usage`,
        );
        return body.requests.used;
      }, withinAMinute)
      .toBeGreaterThan(0);
    await page.screenshot({ path: join(pictures, "limits.png"), fullPage: true });
  });

  it("let a room of machines enrol for a while, by a dialog of three clicks", async () => {
    const codes = `/api/v1/orgs/${org}/enrollment-codes`;
    await done(api.send("POST", codes, { name: "Room 12", max_uses: 100, expires_in_seconds: 3600 }));
    await page.goto(at(`/o/${org}/enroll`));
    await page.getByRole("button", { name: "Roll out with Room 12" }).click();
    const dialog = page.getByRole("dialog", { name: "Roll out many devices" });
    await dialog.getByLabel("Devices a minute").fill("120");
    await dialog.getByRole("combobox", { name: "For" }).click();
    await page.getByRole("option", { name: "4 hours" }).click();
    await dialog.getByRole("button", { name: "Start roll-out" }).click();
    await dialog.waitFor({ state: "hidden", ...patiently });
    const row = page.getByRole("row", { name: /Room 12/ });
    await row.getByText(/^120 a minute, ends/).waitFor(patiently);
    await page.screenshot({ path: join(pictures, "rollout.png") });
    type Codes = { items: { name: string; rollout: { per_minute: number; until: string } | null }[] };
    const { body } = await api.send<Codes>("GET", codes);
    const { rollout = null } = body.items.find(({ name }) => name === "Room 12") ?? {};
    expect(rollout?.per_minute).toBe(120);
    const hours = (Date.parse(rollout?.until ?? "") - Date.now()) / 3600_000;
    expect(hours > 3.5 && hours <= 4).toBe(true);
  });
});

describe("geo policies on the real stack, in Chromium", () => {
  it("try rules on what was counted: in words, on a map and by name", async () => {
    for (let asked = 0; asked < 5; asked += 1) await api.send("GET", `/api/v1/orgs/${org}/members`);
    await api.send("GET", `/api/v1/orgs/${org}/members`, undefined, from("DE"));
    const trial = () =>
      api.send<{ requests: number; newly_admitted: number }>("POST", `${policies()}/simulate`, {
        countries: ["DE"],
      });
    await expect.poll(async () => (await trial()).body.newly_admitted, withinAMinute).toBeGreaterThan(0);
    await page.goto(at(`/o/${org}/security`));
    const section = page.getByRole("region", { name: "Where requests may come from" });
    await section.getByLabel("Add a country").fill("Germany");
    await section.getByRole("button", { name: "Add", exact: true }).click();
    await section.getByRole("button", { name: "Remove India" }).click();
    await section.getByRole("button", { name: "Try it first" }).click();
    const result = page.getByRole("region", { name: "Result of the trial" });
    await result.getByRole("img", { name: /world map/ }).waitFor(patiently);
    await result.getByText("You, from where you are now.").waitFor();
    await page.screenshot({ path: join(pictures, "geo-trial.png"), fullPage: true });
  });

  it("show whom they shut out, take effect when that is confirmed, and count down to their end", async () => {
    const section = page.getByRole("region", { name: "Where requests may come from" });
    await section.getByRole("button", { name: "The same for every surface" }).click();
    await section.getByRole("button", { name: "Save" }).click();
    const dialog = page.getByRole("alertdialog");
    await dialog.getByText("You, from where you are now.").waitFor(patiently);
    await page.screenshot({ path: join(pictures, "geo-lockout.png") });
    await dialog.getByRole("button", { name: "Cancel" }).click();
    const { status, body } = await api.send<{ code: string }>("PUT", policies(), { countries: ["DE"] });
    expect([status, body.code]).toEqual([409, "confirmation_needed"]);
    // Another country beside one's own shuts nobody out; it can be put on trial all the same.
    await done(api.send("PUT", policies(), { countries: ["IN", "DE"], revert_after_minutes: 10 }));
    await page.reload();
    await page.getByText("These rules are on trial.").waitFor(patiently);
    await page.screenshot({ path: join(pictures, "geo-pending.png") });
    await page.getByRole("button", { name: "Keep them" }).click();
    await page.getByText("These rules are on trial.").waitFor({ state: "hidden", ...patiently });
  });

  it("let the dashboard in from another country, its own requests included, within a minute", async () => {
    const abroad = await newPage("DE");
    await expect.poll(async () => (await abroad.goto(at(`/o/${org}/sign-in`)))?.status(), withinAMinute).toBe(200);
    await signInByPassword(abroad, owner.email, testPassword);
    await abroad.getByRole("heading", { name: "Devices" }).waitFor(patiently);
    expect((await abroad.goto(at("/sign-in")))?.status()).toBe(403);
    await abroad.context().close();
  });

  it("let a traveller sign in at the organisation's door, and nobody else", async () => {
    const { mailDir } = stack.description;
    const traveller = await newMember(mailDir, api, org, "viewer");
    const other = await newMember(mailDir, api, org, "viewer");
    const until = new Date(Date.now() + 3600_000).toISOString();
    await done(api.send("POST", `${policies()}/exceptions/${traveller.userId}`, { country: "FR", until }));
    const signIn = async (email: string) =>
      (
        await api.send(
          "POST",
          `/api/v1/orgs/${org}/auth/login`,
          { email, password: testPassword },
          {
            ...from("FR"),
            Authorization: "",
          },
        )
      ).status;
    await expect.poll(() => signIn(traveller.email), withinAMinute).toBe(200);
    expect(await signIn(other.email)).toBe(403);
    await page.reload();
    await page.getByRole("region", { name: "Travellers" }).getByText("France").waitFor(patiently);
  });

  it("open to whoever has the printed code, from where they keep everybody out, and tell the owners", async () => {
    await page.getByRole("button", { name: "Make a code" }).click();
    const shown = page.getByRole("dialog", { name: "Print this code" });
    const code = (await shown.getByRole("code").textContent({ timeout: 120_000 })) ?? "";
    await page.screenshot({ path: join(pictures, "geo-break-glass.png") });
    await shown.getByRole("button", { name: "I have it on paper" }).click();
    const away = await newPage("JP");
    expect((await away.goto(at(`/o/${org}/sign-in`)))?.status()).toBe(403);
    await away.goto(at("/break-glass"));
    await away.getByLabel("Organisation").fill(org);
    await away.getByLabel("Break-glass code").fill(code);
    await away.screenshot({ path: join(pictures, "geo-break-glass-use.png") });
    await away.getByRole("button", { name: "Open" }).click();
    await away.getByText("If the code was right").waitFor(patiently);
    await expect.poll(async () => (await away.goto(at(`/o/${org}/sign-in`)))?.status(), withinAMinute).toBe(200);
    await signInByPassword(away, owner.email, testPassword);
    await away.getByRole("heading", { name: "Devices" }).waitFor(patiently);
    await away.context().close();
  });

  it("leave nothing for a browser to complain of", () => {
    expect(complaints.all).toEqual([]);
  });
});
