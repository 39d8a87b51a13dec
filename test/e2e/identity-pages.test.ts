import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page, Route } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { repositoryRoot } from "../../scripts/units.ts";
import { qrPath } from "../../workers/dashboard/src/components/qr-path.ts";
import { Api, eventually, mailedToken, newPerson, testPassword } from "./support/api.ts";
import {
  addAuthenticator,
  Complaints,
  launchBrowser,
  signInByPassword,
  type VirtualAuthenticator,
} from "./support/browser.ts";
import { AuthenticatorApp } from "./support/one-time-codes.ts";
import { type BorrowedStack, borrowStack } from "./support/stack-pool.ts";

const pictures = join(repositoryRoot, "test-results", "screenshots");
const slug = "north-school";
const asha = { name: "Asha Rao", email: "asha@people.test", password: "nine quiet otters drift 42" };
const newPassword = "eleven loud geese land 77 times";
/** What a browser logs of each answer that refuses on purpose; anything else is a complaint. */
const refusals = /^Failed to load resource: the server responded with a status of 4(01|03) /;

let stack: BorrowedStack;
let browser: Browser;
const complaints = new Complaints();
/** For what a page does on its own, on a machine that does much else. */
const patiently = { timeout: 120_000 };

/** Asha at her own desk, where her authenticator is. */
let desk: Page;
let authenticator: VirtualAuthenticator;
/** Asha at a second browser, signed in before she had a second factor. */
let second: Page;
let app: AuthenticatorApp;
let recoveryCodes: string[];
let ben: Awaited<ReturnType<typeof newPerson>>;

const at = (path: string): string => `${stack.description.url}${path}`;
const ashasLogin = (page: Page) => signInByPassword(page, asha.email, asha.password);

async function newBrowserPage(): Promise<Page> {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
  complaints.watch(page, refusals);
  return page;
}

async function signOut(page: Page): Promise<void> {
  await page
    .getByRole("button", { name: /^Account of / })
    .first()
    .click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: /^Sign in/ }).waitFor();
}

/** Holds every answer back for a while, as a far network does; sockets stay quick. Returns the undo. */
async function slowAnswers(page: Page): Promise<() => Promise<void>> {
  const devTools = await page.context().newCDPSession(page);
  const limits = { offline: false, downloadThroughput: -1, uploadThroughput: -1 };
  await devTools.send("Network.enable");
  await devTools.send("Network.emulateNetworkConditions", { ...limits, latency: 1_000 });
  return () => devTools.detach();
}

const passkeyOptions = "**/auth/passkey/options";

/** Holds back what the sign-in page's next offer of a passkey asks the server for. */
async function holdOffer(): Promise<{ readonly asked: Promise<void>; readonly letGo: () => Promise<void> }> {
  let asked = (): void => undefined;
  let letGo = (): void => undefined;
  let over = (): void => undefined;
  const isAsked = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const isLetGo = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const isOver = new Promise<void>((resolve) => {
    over = resolve;
  });
  const hold = async (route: Route): Promise<void> => {
    asked();
    await isLetGo;
    // The page may be another by now.
    await route.continue().catch(() => undefined);
    over();
  };
  await desk.route(passkeyOptions, hold, { times: 1 });
  return {
    asked: isAsked,
    letGo: () => {
      letGo();
      return isOver;
    },
  };
}

/** The link of the newest mail of a kind, which is sent after the answer. */
function mailed(to: string, page: Parameters<typeof mailedToken>[2]): Promise<string> {
  return eventually(`a ${page} mail to ${to}`, async () => {
    try {
      return mailedToken(stack.description.mailDir, to, page);
    } catch {
      return null;
    }
  });
}

/** Everything a script of the page could read. */
function readableStorage(page: Page): Promise<string> {
  return page.evaluate(() =>
    JSON.stringify([document.cookie, location.href, { ...localStorage }, { ...sessionStorage }]),
  );
}

beforeAll(async () => {
  mkdirSync(pictures, { recursive: true });
  [browser, stack] = await Promise.all([launchBrowser(), borrowStack()]);
  desk = await newBrowserPage();
  second = await newBrowserPage();
});

afterAll(async () => {
  await browser?.close();
  await stack?.discard();
});

describe("identity in the dashboard, in Chromium on the real stack", () => {
  it("registers a person, verifies the address and makes their organisation", async () => {
    await desk.goto(at("/register"));
    await desk.getByLabel("Name").fill(asha.name);
    await desk.getByLabel("E-mail").fill(asha.email);
    await desk.getByLabel("Password").fill(asha.password);
    await desk.getByRole("button", { name: "Create account" }).click();
    await desk.getByRole("heading", { name: "Check your e-mail" }).waitFor();
    const token = await mailed(asha.email, "verify-email");
    await desk.goto(at(`/verify-email#token=${token}`));
    await desk.getByLabel("Password").fill(asha.password);
    await desk.getByRole("button", { name: "Verify e-mail" }).click();
    await desk.getByRole("link", { name: "Sign in" }).click();
    await ashasLogin(desk);
    await desk.getByRole("button", { name: "Create organisation" }).click();
    await desk.getByRole("dialog").getByLabel("Name").fill("North School");
    await desk.getByRole("dialog").getByRole("button", { name: "Create" }).click();
    await desk.waitForURL(`**/o/${slug}`);
    await second.goto(at(`/o/${slug}/members`));
    await ashasLogin(second);
    await second.getByRole("heading", { name: "Members" }).waitFor();
  });

  it("sets up an authenticator app by the picture, whose secret is the key beside it", async () => {
    await desk.goto(at("/account/security"));
    const answered = desk.waitForResponse((response) => response.url().endsWith("/me/mfa/totp"));
    await desk.getByRole("button", { name: "Set up" }).click();
    const { secret, uri } = (await (await answered).json()) as { secret: string; uri: string };
    const key = (await desk.getByRole("group", { name: "Key" }).locator("code").textContent()) ?? "";
    expect(key.replaceAll(" ", "")).toBe(secret);
    expect(new URL(uri).searchParams.get("secret")).toBe(secret);
    const picture = desk.getByRole("img", { name: "QR code for your authenticator app" });
    expect(await picture.locator("path").getAttribute("d")).toBe(qrPath(uri).path);
    await desk.screenshot({ path: join(pictures, "totp.png") });
    app = new AuthenticatorApp(key);
    await desk.getByLabel("Code", { exact: true }).fill(await app.next());
    await desk.getByRole("button", { name: "Turn on" }).click();
  });

  it("shows ten recovery codes once, and does not go on before they are kept", async () => {
    const dialog = desk.getByRole("dialog", { name: "Your recovery codes" });
    await dialog.waitFor();
    recoveryCodes = await dialog.getByRole("list", { name: "Recovery codes" }).getByRole("listitem").allTextContents();
    expect(new Set(recoveryCodes).size).toBe(10);
    await desk.keyboard.press("Escape");
    expect(await dialog.getByRole("button", { name: "Done" }).isDisabled()).toBe(true);
    const [download] = await Promise.all([
      desk.waitForEvent("download"),
      dialog.getByRole("button", { name: "Download" }).click(),
    ]);
    expect(download.suggestedFilename()).toBe("sentinel-recovery-codes.txt");
    await desk.emulateMedia({ media: "print" });
    expect((await desk.locator("body").innerText()).trimEnd().split("\n").slice(-recoveryCodes.length)).toEqual(
      recoveryCodes,
    );
    await desk.screenshot({ path: join(pictures, "recovery-codes-on-paper.png") });
    await desk.emulateMedia({ media: "screen" });
    const held = await readableStorage(desk);
    for (const code of recoveryCodes) expect(held).not.toContain(code);
    await dialog.getByText("I have put them in a safe place").click();
    await dialog.getByRole("button", { name: "Done" }).click();
    await desk.getByText("10 codes left").waitFor();
  });

  it("signs in with a password and the app's code, and keeps no trace of the half-way step", async () => {
    await signOut(desk);
    await ashasLogin(desk);
    await desk.getByRole("heading", { name: "One more step" }).waitFor();
    const code = desk.getByLabel("Code from your authenticator app");
    expect(await code.getAttribute("autocomplete")).toBe("one-time-code");
    await expect.poll(() => code.evaluate((element) => element === document.activeElement), patiently).toBe(true);
    await code.fill("000000");
    await desk.getByRole("button", { name: "Sign in", exact: true }).click();
    await desk.getByRole("alert").waitFor();
    const right = await app.next();
    await code.fill(`${right.slice(0, 3)} ${right.slice(3)}`);
    await desk.getByRole("button", { name: "Sign in", exact: true }).click();
    await desk.waitForURL(`**/o/${slug}`);
    expect(await readableStorage(desk)).not.toMatch(/challenge|eyJ/);
  });

  it("adds a passkey, and signs in with it and nothing else", async () => {
    authenticator = await addAuthenticator(desk.context(), desk);
    await desk.goto(at("/account/security"));
    await desk.getByRole("button", { name: "Add a passkey" }).click();
    await desk.getByRole("dialog").getByLabel("Name").fill("Desk");
    await desk.getByRole("dialog").getByRole("button", { name: "Continue" }).click();
    await desk.getByRole("list", { name: "Passkeys" }).getByText("Desk").waitFor();
    expect(await authenticator.credentials()).toBe(1);
    await desk.screenshot({ path: join(pictures, "account-security.png"), fullPage: true });
    // Nobody touches it by itself: the offer within the e-mail field must wait to be taken.
    await authenticator.present(false);
    let offer = await holdOffer();
    await signOut(desk);
    await offer.asked;
    // The press takes back the offer, also one that has yet to come from the server: the browser asks one
    // question at a time, and the later one would end the person's own.
    const button = desk.getByRole("button", { name: "Sign in with a passkey" });
    const options = desk.waitForResponse(passkeyOptions);
    await button.click();
    await options;
    await offer.letGo();
    await desk.waitForTimeout(500);
    expect([await desk.getByRole("alert").count(), await button.isDisabled()]).toEqual([0, true]);
    // A virtual authenticator that nobody touched when it was asked stays silent, whoever comes then.
    offer = await holdOffer();
    await desk.reload();
    await offer.asked;
    await authenticator.present(true);
    await button.click();
    await desk.waitForURL(`**/o/${slug}`);
    await offer.letGo();
    await desk.goto(at("/account/security"));
    await desk.getByText(/last used (just now|\d+ s ago)/).waitFor();
  });

  it("offers the passkey within the e-mail field, which signs in without a form", async () => {
    await authenticator.present(false);
    await signOut(desk);
    expect(await desk.getByLabel("E-mail").getAttribute("autocomplete")).toBe("username webauthn");
    // Whoever sits at the virtual authenticator picks what is offered.
    await authenticator.present(true);
    await desk.reload();
    await desk.waitForURL(`**/o/${slug}`);
  });

  it("takes a recovery code in the place of the lost factor, once", async () => {
    const lost = await newBrowserPage();
    const [code = ""] = recoveryCodes;
    const tryIt = async (): Promise<void> => {
      await lost.goto(at("/sign-in"));
      await ashasLogin(lost);
      await lost.getByRole("button", { name: "Use a recovery code" }).click();
      await lost.getByLabel("Recovery code").fill(code);
      await lost.getByRole("button", { name: "Sign in", exact: true }).click();
    };
    await tryIt();
    await lost.waitForURL(`**/o/${slug}`);
    await lost.goto(at("/account/security"));
    await lost.getByText("9 codes left").waitFor();
    await signOut(lost);
    await tryIt();
    await lost.getByRole("alert").waitFor();
    await lost.context().close();
  });

  it("asks again before a role changes: a no leaves it, a code makes the change go through", async () => {
    const { url, mailDir } = stack.description;
    ben = await newPerson(url, mailDir, "ben");
    await desk.goto(at(`/o/${slug}/members`));
    await desk.getByRole("button", { name: "Invite" }).click();
    await desk.getByRole("dialog").getByLabel("E-mail").fill(ben.email);
    await desk.getByRole("button", { name: "Send invitation" }).click();
    await desk.getByRole("cell", { name: ben.email, exact: true }).waitFor();
    const accepted = { token: await mailed(ben.email, "invitation") };
    expect((await ben.api.send("POST", "/api/v1/invitations/accept", accepted)).status).toBeLessThan(300);

    await second.reload();
    const role = second.getByRole("combobox", { name: "Role of ben" });
    const choose = async (): Promise<void> => {
      await role.click();
      await second.getByRole("option", { name: "Admin" }).click();
    };
    const dialog = second.getByRole("dialog", { name: "Is it still you?" });
    await choose();
    await dialog.getByLabel("Code from your authenticator app").waitFor();
    expect(await dialog.getByLabel("Password").count()).toBe(0);
    await second.screenshot({ path: join(pictures, "step-up.png") });
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await expect.poll(() => role.textContent(), patiently).toContain("Viewer");
    expect(await second.getByRole("alert").count()).toBe(0);

    await choose();
    await dialog.getByLabel("Code from your authenticator app").fill(await app.next());
    // The hub closes the page's socket before the answer with the new cookie is here: the page must wait for that.
    const restore = await slowAnswers(second);
    await dialog.getByRole("button", { name: "Continue" }).click();
    await expect.poll(() => role.textContent(), patiently).toContain("Admin");
    await restore();
    const held = async () => (await ben.api.send<{ orgs: { role: string }[] }>("GET", "/api/v1/me")).body.orgs[0]?.role;
    await expect.poll(held, patiently).toBe("admin");
  });

  it("tells members of the day from which a second factor is asked for, and then shows them nothing else", async () => {
    const bens = await newBrowserPage();
    await addAuthenticator(bens.context(), bens);
    const policy = async (day: string): Promise<void> => {
      await desk.goto(at(`/o/${slug}/security`));
      const required = desk.getByRole("checkbox", { name: "Every member needs a second factor" });
      if (!(await required.isChecked())) await required.click();
      await desk.getByLabel("Members have until the end of").fill(day);
      await desk.getByRole("region", { name: "Second factor" }).getByRole("button").click();
      await desk.getByText("Security policy saved").first().waitFor();
    };
    const year = new Date().getFullYear() + 1;
    await policy(new Date(Date.now() + 40 * 86_400_000).toISOString().slice(0, 10));
    await bens.goto(at(`/o/${slug}`));
    await signInByPassword(bens, ben.email, testPassword);
    const banner = bens.getByRole("complementary", { name: "Second factor needed soon" });
    await banner.waitFor();
    expect(await banner.textContent()).toMatch(new RegExp(`${year - 1}|${year}`));

    await policy("");
    await bens.reload();
    await bens.getByRole("heading", { name: "Set up a second factor" }).waitFor();
    expect(await bens.getByRole("navigation", { name: "Organisation" }).count()).toBe(0);
    await bens.screenshot({ path: join(pictures, "factor-wall.png") });
    const refused = await bens.request.get(at(`/api/v1/orgs/${slug}/devices`));
    expect([refused.status(), ((await refused.json()) as { code: string }).code]).toEqual([
      403,
      "mfa_enrollment_required",
    ]);

    await bens.getByRole("button", { name: "Add a passkey" }).click();
    await bens.getByRole("dialog").getByRole("button", { name: "Continue" }).click();
    const codes = bens.getByRole("dialog", { name: "Your recovery codes" });
    await codes.getByText("I have put them in a safe place").click();
    await codes.getByRole("button", { name: "Done" }).click();
    await bens.getByRole("heading", { name: "Devices" }).waitFor();
    await bens.context().close();
  });

  it("makes an API key that works until it is revoked, and shows it once", async () => {
    await desk.goto(at(`/o/${slug}/api-keys`));
    await desk.getByRole("button", { name: "New API key" }).click();
    await desk.getByRole("dialog").getByLabel("Name").fill("Nightly report");
    await desk.getByRole("button", { name: "Make key" }).click();
    const key = (await desk.getByRole("group", { name: "API key", exact: true }).locator("code").textContent()) ?? "";
    expect(key).toMatch(/^sak_/);
    await desk.keyboard.press("Escape");
    await desk.getByRole("dialog").getByRole("button", { name: "Done" }).click();
    const row = desk.getByRole("row", { name: /Nightly report/ });
    await row.waitFor();
    expect(await desk.content()).not.toContain(key);

    const program = new Api(stack.description.url, key);
    expect((await program.send("GET", `/api/v1/orgs/${slug}/devices`)).status).toBe(200);
    expect((await program.send("GET", `/api/v1/orgs/${slug}/members`)).status).toBe(403);
    await desk.screenshot({ path: join(pictures, "api-keys.png") });
    await row.getByRole("button", { name: "Revoke Nightly report" }).click();
    await desk.getByRole("alertdialog").getByRole("button", { name: "Revoke key" }).click();
    await expect
      .poll(async () => (await program.send("GET", `/api/v1/orgs/${slug}/devices`)).status, patiently)
      .toBe(401);
  });

  it("ends the other browser's session from the page, which throws that browser out by itself", async () => {
    await second.goto(at(`/o/${slug}`));
    await second.getByRole("status", { name: "Live connection" }).first().getByText("Live").waitFor();
    await desk.goto(at("/account/security"));
    const sessions = desk.getByRole("list", { name: "Sessions" }).getByRole("listitem");
    await sessions.first().waitFor();
    expect(await sessions.count()).toBeGreaterThan(1);
    await desk.getByRole("button", { name: "End all others" }).click();
    await desk.getByRole("alertdialog").getByRole("button", { name: "End them" }).click();
    await expect.poll(() => sessions.count(), patiently).toBe(1);
    // No click, no reload: the live connection's end is what tells it.
    await second.getByRole("heading", { name: /^Sign in/ }).waitFor();
  });

  it("disables a member, who is out at once, and lets them in again", async () => {
    await desk.goto(at(`/o/${slug}/members`));
    const choose = async (action: string, confirm: string): Promise<void> => {
      await desk.getByRole("button", { name: "Manage ben" }).click();
      await desk.getByRole("menuitem", { name: action }).click();
      await desk.getByRole("alertdialog").getByRole("button", { name: confirm }).click();
      await desk.getByRole("alertdialog").waitFor({ state: "hidden" });
    };
    await choose("Disable", "Disable member");
    await desk.getByRole("row", { name: /ben/ }).getByText("Disabled").waitFor();
    expect((await ben.api.send("GET", "/api/v1/me")).status).toBe(401);
    await choose("Enable", "Enable member");
    await expect.poll(() => desk.getByRole("row", { name: /ben/ }).getByText("Disabled").count(), patiently).toBe(0);
  });

  it("sets a new password by mail only together with the second factor, and signs everybody out", async () => {
    // The desk will be thrown out: nobody there picks the passkey that its sign-in page then offers.
    await authenticator.present(false);
    await second.goto(at("/sign-in"));
    await second.getByRole("link", { name: "Forgot your password?" }).click();
    await second.getByRole("heading", { name: "Forgot your password?" }).waitFor();
    await second.getByLabel("E-mail").fill(asha.email);
    await second.getByRole("button", { name: "Send the link" }).click();
    await second.getByRole("heading", { name: "Check your e-mail" }).waitFor();
    const token = await mailed(asha.email, "reset-password");
    await second.goto(at(`/reset-password#token=${token}`));
    await second.getByLabel("New password").fill(newPassword);
    expect(second.url()).not.toContain(token);
    await second.getByRole("button", { name: "Set password" }).click();
    await second.getByRole("heading", { name: "One more step" }).waitFor();
    await second.getByLabel("Code from your authenticator app").fill(await app.next());
    await second.getByRole("button", { name: "Set password" }).click();
    await second.getByRole("heading", { name: "Your password is set" }).waitFor();

    await desk.goto(at("/account/security"));
    await desk.getByRole("heading", { name: /^Sign in/ }).waitFor();
    await second.getByRole("link", { name: "Sign in" }).click();
    await ashasLogin(second);
    await second.getByRole("alert").waitFor();
    await signInByPassword(second, asha.email, newPassword);
    await second.getByRole("heading", { name: "One more step" }).waitFor();
  });

  it("changes the e-mail address only once both mailboxes have agreed", async () => {
    const renamed = "asha.rao@people.test";
    await authenticator.present(true);
    await desk.reload();
    await desk.getByRole("region", { name: "E-mail" }).getByRole("button", { name: "Change" }).click();
    await desk.getByLabel("New e-mail").fill(renamed);
    await desk.getByRole("button", { name: "Send the messages" }).click();
    await desk.getByText("Two messages are on their way").waitFor();
    for (const [address, said] of [
      [asha.email, "Now the other address must agree too"],
      [renamed, "Both addresses have agreed"],
    ] as const) {
      const token = await mailed(address, "confirm-email");
      await desk.goto(at(`/confirm-email#token=${token}`));
      await desk.getByRole("button", { name: "Confirm" }).click();
      await desk.getByText(said).waitFor();
      expect(desk.url()).toBe(at("/confirm-email"));
    }
    await desk.getByRole("link", { name: "To your account" }).click();
    await desk.getByText(`How you sign in as ${renamed}, and where you are`).waitFor();
  });

  it("tells all of it in the audit log, in words", async () => {
    await desk.goto(at(`/o/${slug}/audit`));
    const log = desk.getByRole("table", { name: "Audit log" });
    await log.waitFor();
    const said = () => log.locator("summary").allTextContents();
    const line = (text: RegExp) => expect.stringMatching(text);
    await expect
      .poll(said, patiently)
      .toContainEqual(line(/^Sign-in with a passkey from \S+ succeeded, with a second factor/));
    // What happened first is not on the first page any more.
    const newest = (await said()).length;
    await desk.getByRole("button", { name: "Load more" }).click();
    await expect.poll(async () => (await said()).length, patiently).toBeGreaterThan(newest);
    for (const text of [
      /^API key key_\w+ revoked/,
      /^Policy changed: second factor/,
      /^ben: viewer → admin/,
      /^Every session of ben ended: disabled/,
      /^The password of Asha Rao was reset/,
    ]) {
      expect(await said()).toContainEqual(line(text));
    }
    await desk.screenshot({ path: join(pictures, "audit-identity.png") });
  });

  it("broke no content policy and logged no error but refusals on purpose", () => {
    expect(complaints.all).toEqual([]);
  });
});
