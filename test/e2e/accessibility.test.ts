/** Every page of the dashboard, judged by axe in both themes on a screen and a telephone, and gone through by keyboard. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { repositoryRoot } from "../../scripts/units.ts";
import { violations, walkByTab } from "./support/accessibility.ts";
import { newPerson, testPassword } from "./support/api.ts";
import { launchBrowser, signInByPassword } from "./support/browser.ts";
import { type BorrowedStack, borrowStack } from "./support/stack-pool.ts";
import { makeThings, newOrg, type TestPerson } from "./support/things.ts";

let stack: BorrowedStack;
let browser: Browser;
let owner: TestPerson;
let org: string;
let things: Awaited<ReturnType<typeof makeThings>>;
/** Signed in as the owner, and as nobody. */
let page: Page;
let guest: Page;

/** Paths as the dashboard's router has them; what stands behind each colon is one of the things that were made. */
const ofGuests = [
  "/sign-in",
  "/o/:org/sign-in",
  "/sign-in/callback",
  "/forgot-password",
  "/break-glass",
  "/reset-password",
  "/confirm-email",
  "/register",
  "/verify-email",
  "/invitation",
];
const ofOwners = [
  "/",
  "/account/security",
  "/o/:org",
  "/o/:org/devices/:device",
  "/o/:org/documents",
  "/o/:org/documents/:document",
  "/o/:org/members",
  "/o/:org/groups",
  "/o/:org/enroll",
  "/o/:org/api-keys",
  "/o/:org/security",
  "/o/:org/backends",
  "/o/:org/identity-providers",
  "/o/:org/language-models",
  "/o/:org/exports",
  "/o/:org/billing",
  "/o/:org/audit",
  "/o/:org/no-such-page",
];
/** Walked with the operator's plans and an invoice (billing-pages.test.ts). */
const elsewhere = ["/o/:org/billing/invoices/:invoice"];

const screens = [
  { width: 1280, height: 900 },
  { width: 390, height: 844 },
];
const themes = ["light", "dark"] as const;

beforeAll(async () => {
  [browser, stack] = await Promise.all([launchBrowser(), borrowStack()]);
  const { url, mailDir } = stack.description;
  owner = await newPerson(url, mailDir, "owner");
  org = await newOrg(owner.api, "readers");
  things = await makeThings(mailDir, owner.api, org);
  const open = async (): Promise<Page> =>
    (await browser.newContext({ viewport: screens[0] ?? null, reducedMotion: "reduce" })).newPage();
  [page, guest] = [await open(), await open()];
  await page.goto(`${url}/o/${org}/sign-in`);
  await signInByPassword(page, owner.email, testPassword);
  await page.getByRole("heading", { name: "Devices" }).waitFor();
});
afterAll(async () => {
  await browser?.close();
  await stack?.discard();
});

const at = (path: string): string =>
  stack.description.url +
  path.replaceAll(/:(\w+)/g, (_, name: string) => ({ org, document: things.doc, ...things })[name] ?? name);

async function open(on: Page, path: string): Promise<void> {
  await on.goto(at(path));
  await on.getByRole("heading", { level: 1 }).first().waitFor();
}

async function judged(on: Page, path: string): Promise<string[]> {
  await open(on, path);
  const found: string[] = [];
  for (const screen of screens)
    for (const colorScheme of themes) {
      await on.setViewportSize(screen);
      await on.emulateMedia({ colorScheme });
      found.push(...(await violations(on)).map((each) => `${screen.width} ${colorScheme}: ${each}`));
    }
  await on.setViewportSize(screens[0] as { width: number; height: number });
  await on.emulateMedia({ colorScheme: "light" });
  return found;
}

describe("the judge", () => {
  it("finds what is wrong: pale words, a picture of nothing, a control that hides the focus, one that keeps it", async () => {
    const faulty = await browser.newPage();
    await faulty.setContent(`<html lang="en"><title>Faults</title><main><h1>Faults</h1>
      <p style="color: #ccc; background: #fff">pale</p><img src="data:image/gif;base64,">
      <button style="outline: none">hidden</button>
      <button onkeydown="event.preventDefault()">trap</button><button>behind</button></main>`);
    expect((await violations(faulty)).map((each) => each.split(" ")[0]).sort()).toEqual([
      "color-contrast",
      "image-alt",
    ]);
    const { unseen, unreached } = await walkByTab(faulty);
    expect([unseen, unreached]).toEqual([["button “hidden”"], ["button “behind”"]]);
    await faulty.close();
  });
});

describe("the dashboard, judged by axe", () => {
  it("is judged whole: no page of its router is left out", () => {
    const router = readFileSync(join(repositoryRoot, "workers/dashboard/src/router.tsx"), "utf8");
    const paths = [...router.matchAll(/path: "([^"*]+)"/g)].map(([, path = ""]) =>
      path.startsWith("/") ? path : `/o/:org/${path}`,
    );
    expect(paths.length).toBeGreaterThan(20);
    const walked = [...ofGuests, ...ofOwners, ...elsewhere];
    expect(paths.filter((path) => !walked.includes(path))).toEqual([]);
  });

  it.each(ofGuests)("%s keeps WCAG 2.1 A and AA for somebody who is not signed in", async (path) => {
    expect(await judged(guest, path)).toEqual([]);
  });

  it.each(ofOwners)("%s keeps WCAG 2.1 A and AA for an owner", async (path) => {
    expect(await judged(page, path)).toEqual([]);
  });
});

describe("the dashboard, by keyboard alone", () => {
  const pages = [
    "/o/:org/documents",
    "/o/:org/documents/:document",
    "/o/:org/exports",
    "/o/:org/language-models",
    "/o/:org/billing",
    "/o/:org/backends",
    "/o/:org/security",
    "/o/:org/audit",
  ];
  it.each(pages)("%s: Tab reaches every control, and shows where it is", async (path) => {
    await open(page, path);
    const { unreached, unseen, reached } = await walkByTab(page);
    expect({ unreached, unseen }).toEqual({ unreached: [], unseen: [] });
    expect(reached).toBeGreaterThan(10);
  });

  it.each([
    ["/o/:org/documents/:document", "Share"],
    ["/o/:org/exports", "New export"],
    ["/o/:org/exports", "Add a destination"],
    ["/o/:org/language-models", "Add a provider"],
    ["/o/:org/audit", "Set up"],
  ])("%s: the dialog of “%s” keeps the focus, is left by Escape and gives it back", async (path, button) => {
    await open(page, path);
    const opener = page.getByRole("button", { name: button, exact: true });
    await opener.focus();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog");
    await dialog.waitFor();
    expect(await violations(page)).toEqual([]);
    const isInside = () => dialog.evaluate((element) => element.contains(document.activeElement));
    await expect.poll(isInside).toBe(true);
    const held = new Set<string>();
    for (const key of [...Array(30).fill("Tab"), ...Array(30).fill("Shift+Tab")] as string[]) {
      await page.keyboard.press(key);
      await expect.poll(isInside, { message: `after ${key}` }).toBe(true);
      held.add(await page.evaluate(() => document.activeElement?.outerHTML.slice(0, 200) ?? ""));
    }
    expect(held.size).toBeGreaterThan(1);
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    await expect.poll(() => opener.evaluate((element) => element === document.activeElement)).toBe(true);
  });
});
