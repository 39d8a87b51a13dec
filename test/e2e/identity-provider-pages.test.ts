import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../../scripts/postgres/embedded.ts";
import { repositoryRoot } from "../../scripts/units.ts";
import { type RealProvider, startRealProvider } from "../support/real-provider.ts";
import { mailedToken, newPerson, signIn, testPassword } from "./support/api.ts";
import { Complaints, launchBrowser, signInByPassword } from "./support/browser.ts";
import { freshStateDir, removeStateDir, type StackProcess, startStackProcess } from "./support/stack-process.ts";

// A real OpenID provider beside the real stack, and a browser that goes from one to the other and back.

const pictures = join(repositoryRoot, "test-results", "screenshots");
const refusals = /^Failed to load resource: the server responded with a status of 4(01|03|09) /;
const stateDir = freshStateDir();
const complaints = new Complaints();
/** For what a page does on its own, on a machine that does much else. */
const patiently = { timeout: 120_000 };
let stack: StackProcess;
let provider: RealProvider;
let browser: Browser;
let owner: Page;

const at = (path: string): string => `${stack.description.url}${path}`;

async function newBrowserPage(): Promise<Page> {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
  complaints.watch(page, refusals);
  return page;
}

/** Leaves the organisation's door for the provider and fills the provider's own pages. */
async function signInAtProvider(page: Page, subject: string): Promise<void> {
  await page.goto(at("/o/demo/sign-in"));
  await page.getByRole("button", { name: "Continue with School sign-in" }).click();
  await page.locator("input[name=login]").fill(subject);
  await page.locator("input[name=password]").fill("any");
  await page.locator("[type=submit]").click();
  await page.getByRole("button", { name: "Continue" }).click();
}

beforeAll(async () => {
  mkdirSync(pictures, { recursive: true });
  const port = await freePort();
  provider = await startRealProvider(`http://localhost:${port}/sign-in/callback`);
  process.env["LOOPBACK_ISSUERS"] = provider.issuer;
  const flags = ["--port", String(port), "--quiet", "--no-agent", "--limit-scale", "1000"];
  [browser, stack] = await Promise.all([launchBrowser(), startStackProcess(stateDir, flags)]);
  owner = await newBrowserPage();
});

afterAll(async () => {
  delete process.env["LOOPBACK_ISSUERS"];
  await browser?.close();
  await stack?.discard();
  await provider?.stop();
  removeStateDir(stateDir);
});

describe("identity providers in the dashboard, with a real one", () => {
  it("lets an owner add one, and shows what to register there but never the secret", async () => {
    await owner.goto(at("/o/demo/identity-providers"));
    const { email, password } = stack.description.owner;
    await signInByPassword(owner, email, password);
    await owner.getByRole("button", { name: "Add provider" }).click();
    const dialog = owner.getByRole("dialog");
    await dialog.getByRole("combobox", { name: "Provider" }).click();
    await owner.getByRole("option", { name: "Other (OpenID Connect)" }).click();
    await dialog.getByLabel("Issuer").fill(provider.issuer);
    await dialog.getByLabel("Client ID").fill(provider.clientId);
    await dialog.getByLabel("Client secret").fill(provider.clientSecret);
    await dialog.getByLabel("Name on the sign-in button").fill("School sign-in");
    await dialog.getByText("It may make accounts for people who have none").click();
    await dialog.getByRole("combobox", { name: "Who is new here joins" }).click();
    await owner.getByRole("option", { name: "As Viewer" }).click();
    await dialog.getByLabel("If their address is of one of these domains").fill("@School.test");
    await dialog.getByRole("button", { name: "Add provider" }).click();
    const card = owner.getByRole("region", { name: "School sign-in" });
    await card.waitFor();
    expect(await card.textContent()).toContain("school.test as Viewer");
    expect(await card.getByRole("group", { name: "Redirect address" }).locator("code").textContent()).toBe(
      at("/sign-in/callback"),
    );
    expect(await owner.content()).not.toContain(provider.clientSecret);
    await owner.screenshot({ path: join(pictures, "identity-providers.png") });
  });

  it("signs a new person in from the organisation's door, and leaves no code in the address or the history", async () => {
    provider.people.set("meera", { email: "meera@school.test", email_verified: true, name: "Meera" });
    const page = await newBrowserPage();
    await signInAtProvider(page, "meera");
    await page.waitForURL("**/o/demo");
    await page.getByRole("heading", { name: "Devices" }).waitFor();
    const addresses: string[] = [];
    for (let step = 0; step < 3; step += 1) {
      addresses.push(page.url());
      await page.goBack().catch(() => null);
    }
    expect(addresses.filter((address) => address.includes("code="))).toEqual([]);
    await page.goto(at("/account/security"));
    await page.getByText("You came through an organisation’s identity provider.").waitFor();
    await page.context().close();
  });

  it("links an account that exists only after its holder has signed in and said yes", async () => {
    const { url, mailDir, owner: own } = stack.description;
    const { api } = await signIn(url, own.email, own.password);
    const ravi = await newPerson(url, mailDir, "ravi");
    await api.send("POST", "/api/v1/orgs/demo/invitations", { email: ravi.email, role: "analyst" });
    const token = mailedToken(mailDir, ravi.email, "invitation");
    expect((await ravi.api.send("POST", "/api/v1/invitations/accept", { token })).status).toBe(200);
    provider.people.set("ravi", { email: ravi.email, email_verified: true });

    const page = await newBrowserPage();
    await signInAtProvider(page, "ravi");
    await page.getByRole("heading", { name: "You have an account already" }).waitFor();
    expect((await page.request.get(at("/api/v1/me"))).status()).toBe(401);
    await page.screenshot({ path: join(pictures, "link-account.png") });
    expect(await page.getByLabel("E-mail").inputValue()).toBe(ravi.email);
    await page.getByLabel("Password", { exact: true }).fill(testPassword);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByRole("heading", { name: "Link School sign-in?" }).waitFor();
    expect((await ravi.api.send<{ items: unknown[] }>("GET", "/api/v1/me/identities")).body.items).toEqual([]);
    await page.getByRole("button", { name: "Link the two" }).click();
    await page.waitForURL("**/o/demo");

    await page.goto(at("/account/security"));
    await page.getByRole("button", { name: "Unlink School sign-in" }).waitFor();
    await page.context().close();
    const again = await newBrowserPage();
    await signInAtProvider(again, "ravi");
    await again.waitForURL("**/o/demo");
    await again.context().close();
  });

  it("says that a sign-in was called off at the provider, in its own words", async () => {
    const page = await newBrowserPage();
    await page.goto(at("/sign-in/callback?error=access_denied&state=s&error_description=Call+555-0100"));
    await page.getByText("The sign-in was cancelled at the provider.").waitFor();
    expect(page.url()).toBe(at("/sign-in/callback"));
    expect(await page.content()).not.toContain("555-0100");
    await page.context().close();
  });

  it("rotates the secret and keeps the old one until it is retired", async () => {
    const card = owner.getByRole("region", { name: "School sign-in" });
    await card.getByRole("button", { name: "Rotate secret of School sign-in" }).click();
    await owner.getByRole("dialog").getByLabel("New secret").fill("another-secret-of-thirty-two-characters");
    await owner
      .getByRole("dialog")
      .getByLabel("It expires on")
      .fill(`${new Date().getFullYear() + 1}-12-01`);
    await owner.getByRole("button", { name: "Add secret" }).click();
    const secrets = card.getByRole("list", { name: "Secrets of School sign-in" }).getByRole("listitem");
    await expect.poll(() => secrets.count(), patiently).toBe(2);
    await secrets.last().getByRole("button", { name: "Retire" }).click();
    await owner.getByRole("alertdialog").getByRole("button", { name: "Retire secret" }).click();
    await expect.poll(() => secrets.count(), patiently).toBe(1);
  });

  it("is gone from the door once it is removed", async () => {
    const card = owner.getByRole("region", { name: "School sign-in" });
    await card.getByRole("button", { name: "Remove School sign-in" }).click();
    await owner.getByRole("alertdialog").getByRole("button", { name: "Remove provider" }).click();
    await owner.getByText("No identity provider yet").waitFor();
    const page = await newBrowserPage();
    await page.goto(at("/o/demo/sign-in"));
    await page.waitForLoadState("networkidle");
    expect(await page.getByRole("button", { name: /^Continue with/ }).count()).toBe(0);
    await page.context().close();
  });

  it("broke no content policy and logged no error but refusals on purpose", () => {
    expect(complaints.all.filter((said) => said.startsWith(stack.description.url))).toEqual([]);
  });
});
