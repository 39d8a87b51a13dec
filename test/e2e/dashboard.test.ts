import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { repositoryRoot } from "../../scripts/units.ts";
import { runScript } from "../support/run-script.ts";
import { mailedToken, newPerson, signIn, testPassword } from "./support/api.ts";
import { Complaints, launchBrowser, signInByPassword } from "./support/browser.ts";
import { freshStateDir, type StackProcess, startStackProcess } from "./support/stack-process.ts";

const pictures = join(repositoryRoot, "test-results", "screenshots");

/** Where to keep the picture that README shows: `SENTINEL_README_PICTURE=docs/dashboard.png npx vitest run --project e2e test/e2e/dashboard.test.ts`. */
const readmePicture = process.env["SENTINEL_README_PICTURE"];
/** Ten minutes of readings at five seconds. */
const readmePicturePointsMin = 120;

let stack: StackProcess;
let browser: Browser;
let page: Page;
const complaints = new Complaints();

beforeAll(async () => {
  mkdirSync(pictures, { recursive: true });
  [browser, stack] = await Promise.all([
    launchBrowser(),
    startStackProcess(freshStateDir(), ["--port", "0", "--pace", "12"]),
  ]);
  page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  complaints.watch(page);
});

afterAll(async () => {
  await browser?.close();
  await stack?.discard();
});

describe("the dashboard in Chromium, on the real stack with the real agent", () => {
  it("signs the owner in and shows this machine online", async () => {
    await page.goto(`${stack.description.url}/o/${stack.description.org.slug}`);
    const { email, password } = stack.description.owner;
    await signInByPassword(page, email, password);
    await page.getByRole("heading", { name: "Devices" }).waitFor();
    await page.getByText("Online", { exact: true }).first().waitFor();
    await page.screenshot({ path: join(pictures, "devices.png") });
  });

  it("keeps the session in a cookie that no script can read, and no token in storage", async () => {
    const [cookie] = (await page.context().cookies()).filter(({ name }) => name === "__Host-sentinel_session");
    expect(cookie).toMatchObject({ httpOnly: true, secure: true, path: "/" });
    const held = await page.evaluate(() =>
      JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }]),
    );
    expect(held).not.toContain(cookie?.value);
    expect(held).not.toMatch(/eyJ/);
  });

  it("draws the CPU live: the chart moves as the agent publishes", async () => {
    await page.locator("a[href*='/devices/dev_']").first().click();
    const cpu = page.locator("[aria-label^='CPU'][data-points]").first();
    await cpu.waitFor();
    const points = async (): Promise<number> => Number(await cpu.getAttribute("data-points"));
    const before = await points();
    await expect.poll(points, { timeout: 60_000 }).toBeGreaterThan(before + 1);
    expect(Number(await cpu.getAttribute("data-latest"))).toBeGreaterThanOrEqual(0);
  });

  it("sends a ping and shows the device's answer", async () => {
    await page.getByRole("button", { name: "Send ping" }).click();
    const replies = page.getByRole("region", { name: "Command replies" });
    await replies.getByText("ping").first().waitFor();
    await replies.getByText("ok").first().waitFor({ timeout: 120_000 });
    await page.screenshot({ path: join(pictures, "device.png") });
  });

  it.runIf(readmePicture !== undefined)(
    "takes README's picture, once there is something to see",
    async () => {
      const cpu = page.locator("[aria-label^='CPU'][data-points]").first();
      const points = async (): Promise<number> => Number(await cpu.getAttribute("data-points"));
      await expect.poll(points, { timeout: 25 * 60_000, interval: 5000 }).toBeGreaterThan(readmePicturePointsMin);
      await page.screenshot({ path: readmePicture ?? "" });
    },
    26 * 60_000,
  );

  it.each(["members", "audit", "enroll", "groups"])("opens the %s page by its address", async (name) => {
    await page.goto(`${stack.description.url}/o/${stack.description.org.slug}/${name}`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.waitForLoadState("networkidle");
    expect(await page.getByRole("alert").count()).toBe(0);
    await page.screenshot({ path: join(pictures, `${name}.png`) });
  });

  it("says up to where the audit log is signed", async () => {
    await page.goto(`${stack.description.url}/o/${stack.description.org.slug}/audit`);
    // Within a minute of the first entry, and the page asks once a minute.
    await page.getByText("Signed", { exact: true }).waitFor({ timeout: 110_000 });
    expect(await page.getByText(/Up to no\. \d+/).count()).toBe(1);
  });

  it("gives the agent to a new machine, which then stands in the list", async () => {
    const url = stack.description.url;
    const machine = mkdtempSync(join(tmpdir(), "sentinel-machine-"));
    const program = join(machine, "sentinel-agent.mjs");
    try {
      await page.goto(`${url}/o/${stack.description.org.slug}/enroll`);
      await page.getByRole("button", { name: "Make an enrolment code" }).click();
      const shown = async (label: string) =>
        (await page.getByRole("group", { name: label }).locator("code").textContent()) ?? "";
      const code = await shown("2. Paste the code when the agent asks for it");
      const commands = (await shown("1. Download the agent and enrol")).split("\n");
      expect(commands).toEqual([
        `curl -fsSO ${url}/download/sentinel-agent.mjs`,
        `node sentinel-agent.mjs enroll --url ${url} --code -`,
      ]);
      const download = await fetch(`${url}/download/sentinel-agent.mjs`);
      expect(download.headers.get("Content-Type")).toMatch(/^text\/javascript/);
      writeFileSync(program, Buffer.from(await download.arrayBuffer()));
      const enroll = [program, "enroll", "--url", url, "--code", "-", "--name", "library-pc", "--state", machine];
      expect(await runScript(enroll, { input: `${code}\n` })).toMatchObject({
        status: 0,
      });
      await page.goto(`${url}/o/${stack.description.org.slug}`);
      await page.getByRole("link", { name: "library-pc" }).waitFor();
      await page
        .getByRole("row", { name: /library-pc/ })
        .getByText("Offline", { exact: true })
        .waitFor();

      const agent = spawn(process.execPath, [program, "run", "--state", machine], { stdio: "ignore" });
      await page
        .getByRole("row", { name: /library-pc/ })
        .getByText("Online", { exact: true })
        .waitFor();
      agent.kill("SIGKILL");
      await page
        .getByRole("row", { name: /library-pc/ })
        .getByText("Offline", { exact: true })
        .waitFor();
    } finally {
      rmSync(machine, { recursive: true, force: true });
    }
  });

  it("works by keyboard alone: a dialog takes the focus, Escape gives it back", async () => {
    await page.goto(`${stack.description.url}/o/${stack.description.org.slug}/groups`);
    const opener = page.getByRole("button", { name: "New group" });
    await opener.focus();
    await page.keyboard.press("Enter");
    const field = page.getByRole("dialog").getByRole("textbox", { name: "Name" });
    await expect.poll(() => field.evaluate((element) => element === document.activeElement)).toBe(true);
    await page.keyboard.press("Escape");
    await expect.poll(() => opener.evaluate((element) => element === document.activeElement)).toBe(true);
  });

  it("shows a viewer the devices of their groups alone, live, and says which pages are not theirs", async () => {
    const { url, org, owner, mailDir } = stack.description;
    const base = `/api/v1/orgs/${org.slug}`;
    const { api } = await signIn(url, owner.email, owner.password);
    const viewer = await newPerson(url, mailDir, "viewer");
    await api.send("POST", `${base}/invitations`, { email: viewer.email, role: "viewer" });
    await viewer.api.send("POST", "/api/v1/invitations/accept", {
      token: mailedToken(mailDir, viewer.email, "invitation"),
    });
    const devices = await api.send<{ items: { id: string; name: string }[] }>("GET", `${base}/devices`);
    const seen = devices.body.items.find(({ name }) => name !== "library-pc");
    const group = await api.send<{ id: string }>("POST", `${base}/groups`, { name: "Physics lab" });
    const inGroup = `${base}/groups/${group.body.id}`;
    expect((await api.send("PUT", `${inGroup}/devices/${seen?.id}`)).status).toBe(204);
    expect((await api.send("PUT", `${inGroup}/members/${viewer.userId}`)).status).toBe(204);

    const theirs = await (await browser.newContext()).newPage();
    await theirs.goto(`${url}/o/${org.slug}`);
    await theirs.getByLabel("E-mail").fill(viewer.email);
    await theirs.getByLabel("Password", { exact: true }).fill(testPassword);
    await theirs.keyboard.press("Enter");
    await theirs.getByText("1 device, 1 online").waitFor();
    await theirs.getByRole("link", { name: seen?.name ?? "" }).click();
    const cpu = theirs.locator("[aria-label^='CPU'][data-points]").first();
    await cpu.waitFor();
    const points = async (): Promise<number> => Number(await cpu.getAttribute("data-points"));
    const before = await points();
    await expect.poll(points, { timeout: 60_000 }).toBeGreaterThan(before + 1);
    expect(await theirs.getByRole("button", { name: /Send ping|Manage/ }).count()).toBe(0);
    await theirs.goto(`${url}/o/${org.slug}/audit`);
    await theirs.getByRole("heading", { name: "Not open to your role" }).waitFor();
    await theirs.context().close();
  });

  it("counts down after too many wrong passwords, and says that a passkey needs no waiting", async () => {
    const theirs = await (await browser.newContext()).newPage();
    await theirs.goto(`${stack.description.url}/sign-in`);
    await theirs.getByLabel("E-mail").fill("nobody@people.test");
    await theirs.getByLabel("Password", { exact: true }).fill("not the password of anybody");
    const submit = theirs.getByRole("button", { name: "Sign in", exact: true });
    const timer = theirs.getByRole("timer");
    const secondsLeft = async (): Promise<number> =>
      (await timer.count()) === 0 ? 0 : Number.parseInt((await timer.textContent()) ?? "", 10);
    // Ten attempts are free, and each wait after them is longer (workers/studio/auth/throttle.ts); the button
    // can be pressed again only once a wait is over.
    while ((await secondsLeft()) < 4) {
      const answered = theirs.waitForResponse((response) => response.url().endsWith("/auth/login"));
      await submit.click();
      await answered;
      await theirs.getByRole("alert").waitFor();
    }
    expect(await submit.isDisabled()).toBe(true);
    await theirs.getByText("A passkey gets you in at once.").waitFor();
    expect(await theirs.getByRole("button", { name: "Sign in with a passkey" }).isEnabled()).toBe(true);
    const before = await secondsLeft();
    await expect.poll(secondsLeft, { timeout: 120_000 }).toBeLessThan(before);
    await theirs.screenshot({ path: join(pictures, "throttled.png") });
    await theirs.context().close();
  });

  it("is readable in the dark and on a narrow screen", async () => {
    await page.emulateMedia({ colorScheme: "dark" });
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(`${stack.description.url}/o/${stack.description.org.slug}`);
    await page.getByText("Online", { exact: true }).first().waitFor();
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow).toBeLessThanOrEqual(0);
    await page.screenshot({ path: join(pictures, "devices-narrow-dark.png") });
  });

  it("broke no content policy and logged no error", () => {
    expect(complaints.all).toEqual([]);
  });
});
