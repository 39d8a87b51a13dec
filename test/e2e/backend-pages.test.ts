import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { repositoryRoot } from "../../scripts/units.ts";
import { type LocalBackend, startLocalBackend } from "../support/local-backend.ts";
import { signIn } from "./support/api.ts";
import { Complaints, launchBrowser, signInByPassword } from "./support/browser.ts";
import { freshStateDir, removeStateDir, type StackProcess, startStackProcess } from "./support/stack-process.ts";

// Backends on the dashboard, with the example of docs/examples/backend.mjs beside the real stack.

const pictures = join(repositoryRoot, "test-results", "screenshots");
const stateDir = freshStateDir();
const complaints = new Complaints();
let backend: LocalBackend;
let stack: StackProcess;
let browser: Browser;
let page: Page;

const shoot = (name: string): Promise<unknown> =>
  page.screenshot({ path: join(pictures, `backends-${name}.png`), fullPage: true });

beforeAll(async () => {
  mkdirSync(pictures, { recursive: true });
  backend = await startLocalBackend({ circuit: { calls_min: 2, open_ms: 60_000 }, retries: 0 });
  process.env["BACKENDS_FILE"] = backend.file;
  const flags = ["--quiet", "--no-agent", "--limit-scale", "1000"];
  [browser, stack] = await Promise.all([launchBrowser(), startStackProcess(stateDir, flags)]);
  backend.serves(stack.description.url);
  page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(60_000);
  complaints.watch(page, /^Failed to load resource: the server responded with a status of 401 /);
  await page.goto(`${stack.description.url}/o/demo/backends`);
  const { email, password } = stack.description.owner;
  await signInByPassword(page, email, password);
  await page.getByRole("heading", { name: "Backends", exact: true }).waitFor();
}, 300_000);
afterAll(async () => {
  delete process.env["BACKENDS_FILE"];
  await browser?.close();
  await stack?.discard();
  await backend?.stop();
  removeStateDir(stateDir);
});

describe("backends in Chromium, on the real stack", { timeout: 180_000 }, () => {
  const table = () => page.getByRole("table", { name: "Backends", exact: true });

  it("are shown with their state and what may be asked of them", async () => {
    await table().getByText("Answering").waitFor();
    await table().getByText("None known").waitFor();
    await page.getByRole("table", { name: "Routes of echo" }).getByText("GET, PUT, DELETE").waitFor();
    await page.getByText(`Below ${stack.description.url}/api/v1/orgs/demo/backends/echo;`).waitFor();
    expect(await page.getByText("left alone").count()).toBe(0);
    await shoot("closed");
  });

  it("that fail are said to be left alone, on a small and dark screen too", async () => {
    backend.server.closeAllConnections();
    await new Promise((resolve) => backend.server.close(resolve));
    const { url, owner } = stack.description;
    const { api } = await signIn(url, owner.email, owner.password);
    await expect
      .poll(async () => (await api.send("GET", "/api/v1/orgs/demo/backends/echo/things")).body["code"], {
        timeout: 60_000,
      })
      .toBe("backend_unavailable");
    await page.emulateMedia({ colorScheme: "dark" });
    await page.setViewportSize({ width: 390, height: 844 });
    await page.reload();
    await table().getByText("Left alone").waitFor();
    await page.getByRole("status").getByText("What failed too often is left alone for up to a minute").waitFor();
    await shoot("open-small-dark");
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true);
    expect(complaints.all).toEqual([]);
  });
});
