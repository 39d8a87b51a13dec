import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";
import { runCommand } from "./run-command.ts";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome.exe"];
const applications = [
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/**
 * A Chromium for the page tests: `CHROMIUM`, else one found on the machine, else Debian's package
 * (as root), else Playwright's download.
 * @returns path of the program
 * @throws Error saying what to install
 */
export async function findOrInstallChromium(): Promise<string> {
  const found = findChromium();
  if (found !== null) return found;
  if (process.getuid?.() === 0 && existsSync("/usr/bin/apt-get")) {
    console.log("installing Debian's chromium …");
    await runCommand("apt-get", ["update", "-q"], true);
    await runCommand("apt-get", ["install", "-y", "-q", "--no-install-recommends", "chromium"], true);
  } else {
    await runCommand("playwright-core", ["install", "chromium"]);
  }
  const installed = findChromium();
  if (installed === null) throw new Error("no Chromium is on this machine; install one, or name it in CHROMIUM");
  return installed;
}

function findChromium(): string | null {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const candidates = [
    process.env["CHROMIUM"] ?? "",
    ...folders.flatMap((folder) => names.map((name) => join(folder, name))),
    ...applications,
    chromium.executablePath(),
  ];
  return candidates.find((path) => path !== "" && existsSync(path)) ?? null;
}
