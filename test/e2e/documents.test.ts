import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { partBytes } from "../../core/documents/layout.ts";
import { eicar } from "../../core/documents/scan.ts";
import { repositoryRoot } from "../../scripts/units.ts";
import { Complaints, launchBrowser, signInByPassword } from "./support/browser.ts";
import { freshStateDir, type StackProcess, startStackProcess } from "./support/stack-process.ts";

const pictures = join(repositoryRoot, "test-results", "screenshots");
/** Two whole parts and a piece. */
const bytes = randomBytes(2 * partBytes + 123_456);
const words = "Minutes of the parents’ meeting: सुबह की सभा at nine";

let stack: StackProcess;
let browser: Browser;
let page: Page;
let files: string;
// What a refusal on purpose, and a reload in the midst of a request, make the browser log.
const complaints = new Complaints();
const expected = /status of 422/;

const fileOf = (name: string): string => join(files, name);
const choose = async (name: string): Promise<void> =>
  page.locator("header input[type=file]").setInputFiles(fileOf(name));
const uploadsRegion = () => page.getByRole("region", { name: "Uploads" });
const rowOf = (name: string, table = "Documents") =>
  page.getByRole("table", { name: table, exact: true }).getByRole("row").filter({ hasText: name });

async function download(button: string): Promise<Buffer> {
  const [saved] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: button }).click(),
  ]);
  return readFileSync(await saved.path());
}

beforeAll(async () => {
  mkdirSync(pictures, { recursive: true });
  files = mkdtempSync(join(tmpdir(), "sentinel-documents-"));
  writeFileSync(fileOf("lesson.bin"), bytes);
  writeFileSync(fileOf("minutes.txt"), words);
  writeFileSync(fileOf("minutes 2.txt"), `${words}, again`);
  writeFileSync(fileOf("page.html"), "<!doctype html><script>document.title = 'taken over'</script>");
  writeFileSync(fileOf("eicar.txt"), eicar);
  [browser, stack] = await Promise.all([
    launchBrowser(),
    startStackProcess(freshStateDir(), ["--port", "0", "--no-agent"]),
  ]);
  page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  complaints.watch(page, expected);
  // Whoever leaves while an upload runs is asked.
  page.on("dialog", (dialog) => void dialog.accept());
  const { email, password } = stack.description.owner;
  await page.goto(`${stack.description.url}/o/${stack.description.org.slug}/documents`);
  await signInByPassword(page, email, password);
  await page.getByRole("heading", { name: "Documents" }).waitFor();
}, 300_000);

afterAll(async () => {
  await browser?.close();
  await stack?.discard();
  rmSync(files, { recursive: true, force: true });
});

describe("documents in Chromium, on the real stack", { timeout: 180_000 }, () => {
  it("begin with nothing, and say what to do", async () => {
    await page.getByText("No documents yet").waitFor();
    await page.screenshot({ path: join(pictures, "documents-empty.png") });
  });

  it("are uploaded in parts, go on after a reload with the same file, and come back byte for byte", async () => {
    const put: string[] = [];
    page.on("request", (request) => {
      const part = /\/parts\/(\d+)$/.exec(request.url())?.[1];
      if (part !== undefined) put.push(part);
    });
    // The second part never arrives, as when a connection is gone.
    await page.route("**/parts/2", () => undefined);
    await choose("lesson.bin");
    await expect.poll(() => put, { timeout: 60_000 }).toEqual(["1", "2"]);
    await uploadsRegion().getByRole("progressbar", { name: "Upload of lesson.bin" }).waitFor();
    await page.screenshot({ path: join(pictures, "documents-uploading.png") });
    await page.reload();
    await page.unroute("**/parts/2");

    const unfinished = uploadsRegion().getByText("Not finished: choose the same file to go on");
    await unfinished.waitFor();
    expect(await rowOf("lesson.bin").count()).toBe(0);
    put.length = 0;
    await uploadsRegion().locator("input[type=file]").setInputFiles(fileOf("lesson.bin"));
    await rowOf("lesson.bin").waitFor({ timeout: 60_000 });
    expect(put).toEqual(["2", "3"]);
    expect((await download("Download lesson.bin")).equals(bytes)).toBe(true);
  });

  it("are uploaded when they are dropped on the page", async () => {
    const transfer = await page.evaluateHandle(() => {
      const held = new DataTransfer();
      held.items.add(new File(["dropped"], "dropped.txt", { type: "text/plain" }));
      return held;
    });
    const zone = page.getByRole("region", { name: "Drop files here to upload them" });
    await zone.dispatchEvent("dragenter", { dataTransfer: transfer });
    await zone.getByText("Drop to upload").waitFor();
    await zone.dispatchEvent("drop", { dataTransfer: transfer });
    await rowOf("dropped.txt").waitFor({ timeout: 60_000 });
    expect(await zone.getByText("Drop to upload").count()).toBe(0);
    // A folder says so; no script can drop one, so the browser is made to call this file one.
    await page.evaluate(() => {
      const entry = { isDirectory: true } as FileSystemEntry;
      DataTransferItem.prototype.webkitGetAsEntry = () => entry;
    });
    await zone.dispatchEvent("drop", { dataTransfer: transfer });
    await zone.getByText("A folder can’t be uploaded").waitFor();
    expect(await rowOf("dropped.txt").count()).toBe(1);
    await page.reload();
    await rowOf("dropped.txt").waitFor();
  });

  it("pause and go on", async () => {
    let isHeld = true;
    await page.route("**/parts/1", async (route) => {
      if (!isHeld) await route.continue();
    });
    await choose("minutes.txt");
    await uploadsRegion().getByRole("button", { name: "Pause minutes.txt" }).click();
    await uploadsRegion()
      .getByText(/^Paused/)
      .waitFor();
    isHeld = false;
    await uploadsRegion().getByRole("button", { name: "Resume minutes.txt" }).click();
    await rowOf("minutes.txt").waitFor({ timeout: 60_000 });
    await page.unroute("**/parts/1");
  });

  it("are found by their text, in Hindi as well", async () => {
    await page.getByLabel("Search documents").fill("सभा");
    await expect.poll(() => rowOf("lesson.bin").count(), { timeout: 120_000 }).toBe(0);
    await rowOf("minutes.txt").waitFor();
    await page.getByLabel("Search documents").fill("nobody wrote this");
    await page.getByText("No document matches").waitFor();
    await page.getByRole("button", { name: "Clear search" }).click();
    await rowOf("lesson.bin").waitFor();
  });

  it("that are harmful are refused, and never listed", async () => {
    await choose("eicar.txt");
    await uploadsRegion().getByText("Something harmful was found in it").waitFor({ timeout: 60_000 });
    await page.screenshot({ path: join(pictures, "documents-harmful.png") });
    await uploadsRegion().getByRole("button", { name: "Hide eicar.txt" }).click();
    expect(await rowOf("eicar.txt").count()).toBe(0);
    // Nor is it begun again by a page that is loaded later.
    await page.reload();
    await rowOf("lesson.bin").waitFor();
    expect(await uploadsRegion().count()).toBe(0);
  });

  it("that a browser would run are marked and saved, and never opened as a page", async () => {
    await choose("page.html");
    await rowOf("page.html").getByText("Active content").waitFor({ timeout: 60_000 });
    await download("Download page.html");
    expect(await page.title()).toBe("Documents · Sentinel");
    await page.screenshot({ path: join(pictures, "documents.png") });
  });

  it("have versions, of which each can be had", async () => {
    await rowOf("minutes.txt").getByRole("link", { name: "minutes.txt" }).click();
    await page.getByRole("heading", { name: "minutes.txt" }).waitFor();
    const versions = page.getByRole("region", { name: "Versions" });
    await versions.locator("input[type=file]").setInputFiles(fileOf("minutes 2.txt"));
    await versions.getByText("Version 2").waitFor({ timeout: 60_000 });
    expect((await download("Download version 1 of minutes.txt")).toString()).toBe(words);
    expect((await download("Download minutes.txt")).toString()).toBe(`${words}, again`);
    await page.screenshot({ path: join(pictures, "document.png") });
  });

  it("are shared with a role until a day, and no longer when that is taken back", async () => {
    const sharing = page.getByRole("region", { name: "Sharing" });
    await sharing.getByText("With nobody yet.").waitFor();
    await sharing.getByRole("button", { name: "Share" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("A role", { exact: true }).first().click();
    await dialog.getByRole("combobox").click();
    await page.getByRole("option", { name: "Viewer" }).click();
    await dialog.getByLabel(/Until the end of/).fill("2199-12-31");
    await page.screenshot({ path: join(pictures, "document-share.png") });
    await dialog.getByRole("button", { name: "Share", exact: true }).click();
    await sharing.getByText("Everybody with the role Viewer").waitFor();
    await sharing.getByText(/^Ends in/).waitFor();
    await page.screenshot({ path: join(pictures, "document-shared.png") });
    await sharing.getByRole("button", { name: /^Stop sharing with/ }).click();
    await sharing.getByText("With nobody yet.").waitFor();
  });

  it("go into the bin and come back", async () => {
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("button", { name: "Move to bin" }).click();
    await page.getByText("In the bin since").waitFor();
    await page.getByRole("navigation", { name: "Breadcrumb" }).getByRole("link", { name: "Documents" }).click();
    await rowOf("lesson.bin").waitFor();
    await expect.poll(() => rowOf("minutes.txt").count(), { timeout: 120_000 }).toBe(0);
    await page.getByText("Bin", { exact: true }).click();
    await rowOf("minutes.txt", "Bin").getByText("in 29 days").waitFor();
    await page.getByRole("button", { name: "Restore minutes.txt" }).click();
    await page.getByText("The bin is empty").waitFor();
    await page.getByText("In use", { exact: true }).click();
    await rowOf("minutes.txt").waitFor();
  });

  it("have long names that push nothing off a telephone, in a dialog neither", async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await rowOf("page.html").getByRole("link", { name: "page.html" }).click();
    const name = `${"marks_of_the_second_term_".repeat(6)}final.html`;
    await page.getByRole("button", { name: "Rename" }).click();
    await page.getByRole("dialog").getByRole("textbox").fill(name);
    await page.getByRole("dialog").getByRole("button", { name: "Rename" }).click();
    await page.getByRole("heading", { name }).waitFor();
    for (const [opens, ends, role] of [
      ["Share", "Share", "dialog"],
      ["Delete", "Move to bin", "alertdialog"],
    ] as const) {
      await page.getByRole("button", { name: opens, exact: true }).click();
      const box = await page.getByRole(role).getByRole("button", { name: ends, exact: true }).boundingBox();
      expect([ends, box !== null && box.x + box.width < 390]).toEqual([ends, true]);
      await page.getByRole(role).getByRole("button", { name: "Cancel" }).click();
      await page.getByRole(role).waitFor({ state: "detached" });
    }
    await page.getByRole("navigation", { name: "Breadcrumb" }).getByRole("link", { name: "Documents" }).click();
  });

  it("fit a telephone, and the dark", async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.emulateMedia({ colorScheme: "dark" });
    const overflow = (): Promise<number> =>
      page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    await page.screenshot({ path: join(pictures, "documents-phone.png") });
    expect(await overflow()).toBe(0);
    await rowOf("minutes.txt").getByRole("link", { name: "minutes.txt" }).click();
    await page.getByRole("region", { name: "Versions" }).getByText("Version 2").waitFor();
    await page.screenshot({ path: join(pictures, "document-phone.png"), fullPage: true });
    expect(await overflow()).toBe(0);
  });

  // Before the sign-out: what is asked at its very moment is refused, and the browser says so.
  it("work without a complaint of the browser’s", () => {
    expect(complaints.all).toEqual([]);
  });

  it("leave no name at the machine of whoever signs out", async () => {
    const kept = (): Promise<string> => page.evaluate(() => JSON.stringify({ ...localStorage }));
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.route("**/parts/1", () => undefined);
    await page.getByRole("navigation", { name: "Breadcrumb" }).getByRole("link", { name: "Documents" }).click();
    await choose("minutes.txt");
    await expect.poll(kept, { timeout: 120_000 }).toContain("minutes.txt");
    await page.getByRole("button", { name: /^Account of/ }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
    await expect.poll(kept, { timeout: 120_000 }).not.toContain("minutes.txt");
  });
});
