import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "pg";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { repositoryRoot } from "../../scripts/units.ts";
import { runCliAside } from "../postgres/cli/run-cli.ts";
import { signIn, testPassword } from "./support/api.ts";
import { Complaints, launchBrowser, signInByPassword } from "./support/browser.ts";
import { freshStateDir, removeStateDir, type StackProcess, startStackProcess } from "./support/stack-process.ts";
import { newMember } from "./support/things.ts";

// Billing on the dashboard where nobody takes cards: the operator gives plans, and the clock issues the invoices.

const pictures = join(repositoryRoot, "test-results", "screenshots");
const stateDir = freshStateDir();
const flags = ["--quiet", "--no-agent", "--limit-scale", "1000"];
const complaints = new Complaints();
const seller = {
  name: "Sentinel Services Private Limited",
  address: "4 Fort Road\nMumbai 400001",
  gstin: "27AAPFU0939F1ZV",
  state: "27",
  bank: "State Bank of India, Fort, Mumbai\nIFSC SBIN0000300, account 00000012345678901",
};
let stack: StackProcess;
let browser: Browser;
let page: Page;

const shoot = (name: string): Promise<unknown> =>
  page.screenshot({ path: join(pictures, `billing-${name}.png`), fullPage: true });
const region = (name: string) => page.getByRole("region", { name, exact: true });

/** @returns what the operator's tool printed; throws unless it ended well */
async function cli(...args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await runCliAside([...args, "--state", stateDir]);
  if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}: ${stderr}`);
  return stdout;
}

/** Does something to the control database as its owner: time that has passed. */
async function inControl<T>(work: (client: Client) => Promise<T>): Promise<T> {
  const [url] = Object.values(stack.description.databaseUrls);
  const client = new Client(url);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

beforeAll(async () => {
  mkdirSync(pictures, { recursive: true });
  process.env["BILLING_SELLER"] = JSON.stringify(seller);
  [browser, stack] = await Promise.all([launchBrowser(), startStackProcess(stateDir, flags)]);
  page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(60_000);
  complaints.watch(page);
  await page.goto(`${stack.description.url}/o/demo/billing`);
  const { email, password } = stack.description.owner;
  await signInByPassword(page, email, password);
  await page.getByRole("heading", { name: "Billing", exact: true }).waitFor();
}, 300_000);
afterAll(async () => {
  delete process.env["BILLING_SELLER"];
  await browser?.close();
  await stack?.discard();
  removeStateDir(stateDir);
});

describe("billing in Chromium, on the real stack", { timeout: 400_000 }, () => {
  it("begins with the free plan, nothing owed and no invoice", async () => {
    await region("Standing").getByText("Nothing is overdue").waitFor();
    await region("Plan").getByRole("listitem").filter({ hasText: "Free" }).getByText("Your plan").waitFor();
    await region("Usage").getByText("Members", { exact: true }).first().waitFor();
    await region("Invoices").getByText("No invoice yet.").waitFor();
    // Nobody takes cards here, so nothing speaks of it, whatever an address says.
    expect(await page.getByText("Stripe").count()).toBe(0);
    await shoot("empty");
    await page.goto(`${stack.description.url}/o/demo/billing?checkout=paid`);
    await region("Standing").getByText("Nothing is overdue").waitFor();
    expect(await page.getByText("Stripe").count()).toBe(0);
  });

  it("takes to whom invoices go, and no GSTIN with a slip in it", async () => {
    const details = region("Billing details");
    await details.getByLabel("Name on the invoice").fill("Demo Secondary School Trust");
    await details.getByLabel("Address").fill("12 Station Road\nPune 411001");
    await details.getByLabel(/^GSTIN/).fill("27AAPFU0939F1ZW");
    await details.getByText("That is no GSTIN").waitFor();
    expect(await details.getByRole("button", { name: "Save details" }).isDisabled()).toBe(true);
    await details.getByLabel(/^GSTIN/).fill("27aapfu0939f1zv");
    await details.getByRole("combobox", { name: "State" }).getByText("Maharashtra (27)").waitFor();
    await details.getByRole("button", { name: "Save details" }).click();
    await page.getByText("Billing details saved").waitFor();
    await page.reload();
    expect(await region("Billing details").getByLabel("Address").inputValue()).toBe("12 Station Road\nPune 411001");
  });

  it("asks the operator for a dearer plan, who gives it", async () => {
    await page.getByRole("button", { name: "Change to School" }).click();
    await page.getByRole("dialog").getByText("Whoever runs this Sentinel is asked.").waitFor();
    await shoot("ask");
    await page.getByRole("dialog").getByRole("button", { name: "Ask for it" }).click();
    await region("Plan").getByText("School was asked for on").waitFor();
    const listed = await cli("invoices", "list");
    expect(listed).toContain("demo asks for school");
    await cli("tenants", "plan", "demo", "--to", "school");
    await page.reload();
    await region("Plan").getByRole("listitem").filter({ hasText: "School" }).getByText("Your plan").waitFor();
    expect(await region("Plan").getByText("was asked for").count()).toBe(0);
  });

  it("shows each day's use, and says which day nobody measured", async () => {
    await inControl((client) =>
      client.query(
        `INSERT INTO control.usage_days (org_id, day, plan, devices, members, storage_bytes, messages, llm_micros, measured_at)
         SELECT $1, (now() AT TIME ZONE 'UTC')::date - n, 'school', 300 + n, 12, 5000000000, 1000000 + 30000 * n, 0,
           CASE n WHEN 7 THEN NULL ELSE now() - n * interval '1 day' END
         FROM generate_series(1, 45) n`,
        [stack.description.org.id],
      ),
    );
    await page.reload();
    const usage = region("Usage");
    await usage.getByText("at most 345").waitFor();
    await usage.getByText("Messages", { exact: true }).first().click();
    await usage.getByText("at most 2,350,000").waitFor();
    await usage.getByText("The figures of each day").click();
    expect(await usage.getByRole("row").filter({ hasText: "(as the day before)" }).count()).toBe(1);
  });

  it("has the invoice of a month that is over, which is read and printed on a sheet of its own", async () => {
    // The plan was given at the beginning of last month.
    await inControl((client) =>
      client.query(
        `INSERT INTO control.plan_periods (org_id, from_at, plan, provider)
         SELECT $1, (date_trunc('month', now() AT TIME ZONE 'UTC') - interval '1 month') AT TIME ZONE 'UTC', 'school', 'invoice'`,
        [stack.description.org.id],
      ),
    );
    // What comes each hour comes with each start as well.
    await page.goto("about:blank");
    const { port } = new URL(stack.description.url);
    await stack.stop();
    stack = await startStackProcess(stateDir, [...flags, "--port", port]);
    const issued = async () => {
      const [{ count } = { count: 0 }] = await inControl((client) =>
        client.query<{ count: number }>("SELECT count(*)::int AS count FROM control.invoices").then(({ rows }) => rows),
      );
      return count;
    };
    await expect.poll(issued, { timeout: 300_000, interval: 500 }).toBe(1);
    await page.goto(`${stack.description.url}/o/demo/billing`);
    await region("Invoices").getByRole("link").waitFor();
    await region("Standing").getByText("₹5,898.82 is to be paid by").waitFor();
    await shoot("page");
    // On a telephone until when it is due is seen without scrolling the table, and the choice of a chart is one row.
    await page.setViewportSize({ width: 390, height: 844 });
    const due = await region("Invoices").getByText(/^Due /).boundingBox();
    expect((due?.x ?? 390) + (due?.width ?? 0)).toBeLessThan(360);
    const choice = await region("Usage").getByRole("group", { name: "What is shown of each day" }).boundingBox();
    expect(choice?.height).toBeLessThan(45);
    await shoot("phone");
    await page.setViewportSize({ width: 1280, height: 900 });
    await region("Invoices").getByRole("link").click();
    const sheet = page.getByRole("article");
    await sheet.getByText("Tax invoice").waitFor();
    await sheet.getByText("Demo Secondary School Trust").waitFor();
    await sheet.getByText("Place of supply: Maharashtra (27)").waitFor();
    // 18 % of 4,999, a half each of the state's and the union's.
    expect(await sheet.getByText("₹449.91").count()).toBe(2);
    await shoot("invoice");
    // Printed from the dark theme, it is black on white all the same, and has no menus.
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    await page.screenshot({ path: join(pictures, "billing-invoice-print.png"), fullPage: true });
    expect(await page.getByRole("navigation").count()).toBe(0);
    expect(await page.getByRole("article").count()).toBe(1);
    const paper = await page.pdf({ preferCSSPageSize: true });
    writeFileSync(join(pictures, "billing-invoice.pdf"), paper);
    const sheets = paper.toString("latin1").match(/\/Type\s*\/Page\b/g) ?? [];
    expect(sheets).toHaveLength(1);
    // A4 in points.
    expect(paper.toString("latin1")).toMatch(/\/MediaBox\s*\[\s*0 0 59[45]\.?\d* 84[12]\.?\d*\s*\]/);
    await page.emulateMedia({ media: "screen", colorScheme: "light" });
  });

  it("says what is overdue and what happens when, and no more once it is paid", async () => {
    await inControl(async (client) => {
      // Nobody changes an invoice but time: its trigger steps aside for as long as this takes.
      await client.query("ALTER TABLE control.invoices DISABLE TRIGGER USER");
      const { rowCount } = await client.query(
        "UPDATE control.invoices SET issued_at = now() - interval '35 days', due_at = now() - interval '20 days'",
      );
      await client.query("ALTER TABLE control.invoices ENABLE TRIGGER USER");
      expect(rowCount).toBe(1);
    });
    await page.goto(`${stack.description.url}/o/demo/billing`);
    await region("Standing").getByText("Payment is more than 14 days late").waitFor();
    await region("Standing").getByText("₹5,898.82 has been overdue since").waitFor();
    await region("Standing").getByText("Where to pay to, each invoice says.").waitFor();
    await shoot("grace");
    const listed = await cli("invoices", "list");
    // Whoever reads a bank's account finds whose payment it is.
    expect(listed).toMatch(
      /^S\d{4}\/\d{6} \(bil_\w+\) to Demo Secondary School Trust \(org_\w+\): ₹5,898\.82, due \d{4}-\d\d-\d\d$/m,
    );
    const [id = ""] = /bil_[A-Za-z0-9]+/.exec(listed) ?? [];
    expect(await cli("invoices", "paid", id, "--reference", "UTR123")).toContain("is paid");
    await page.reload();
    await region("Standing").getByText("Nothing is overdue").waitFor();
    await region("Invoices").getByText("Paid", { exact: true }).last().waitFor();
    expect(await cli("invoices", "list")).not.toContain(id);
  });

  it("goes down with a word on what becomes of what there is, in the dark and on a telephone", async () => {
    await page.emulateMedia({ colorScheme: "dark" });
    await page.setViewportSize({ width: 390, height: 844 });
    await page.getByRole("button", { name: "Change to Free" }).click();
    await page.getByRole("dialog").getByText("Nothing is deleted.").waitFor();
    await shoot("down-phone-dark");
    await page.getByRole("dialog").getByRole("button", { name: "Change plan" }).click();
    await region("Plan").getByRole("listitem").filter({ hasText: "Free" }).getByText("Your plan").waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    // Whether it is paid is seen without scrolling the table.
    const paid = await region("Invoices").getByText("Paid", { exact: true }).last().boundingBox();
    expect((paid?.x ?? 390) + (paid?.width ?? 0)).toBeLessThan(360);
    await shoot("phone-dark");
    await region("Invoices").getByRole("link").click();
    await page.getByRole("article").getByText("Tax invoice").waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    await shoot("invoice-phone-dark");
    expect(complaints.all).toEqual([]);
  });

  it("is no admin's to see", async () => {
    const { url, owner, org, mailDir } = stack.description;
    const { api } = await signIn(url, owner.email, owner.password);
    const admin = await newMember(mailDir, api, org.id, "admin");
    const context = await browser.newContext();
    const theirs = await context.newPage();
    await theirs.goto(`${url}/o/demo/billing`);
    await signInByPassword(theirs, admin.email, testPassword);
    await theirs.getByRole("heading", { name: "Not open to your role" }).waitFor();
    expect(await theirs.getByRole("link", { name: "Billing" }).count()).toBe(0);
    await context.close();
  });
});
