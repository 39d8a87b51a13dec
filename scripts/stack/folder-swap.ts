import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

/** Whoever loses a race tries again; each try that fails means that another one succeeded. */
const triesMax = 100;
/** Between two tries to copy, in milliseconds: whoever swaps may have been stopped half-way for a moment. */
const pauseMs = 20;

/**
 * Puts `fresh` in the place of `target`, whatever was there. A folder can't be renamed over a full one,
 * so the old one steps aside first; it is removed at the end.
 */
export function swapFolder(fresh: string, target: string): void {
  const aside = mkdtempSync(`${target}.`);
  try {
    for (let tries = 1; ; tries += 1) {
      try {
        if (existsSync(target)) renameSync(target, join(aside, String(tries)));
        renameSync(fresh, target);
        return;
      } catch (error) {
        if (tries === triesMax) throw error;
      }
    }
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

/** Copies a folder that others may swap meanwhile: all of one, never some of each. */
export async function copyWholeFolder(from: string, to: string): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    rmSync(to, { recursive: true, force: true });
    try {
      const before = identity(from);
      copyFiles(from, to);
      if (identity(from) === before) return;
      if (tries === triesMax) throw new Error(`${from} did not keep still`);
    } catch (error) {
      if (tries === triesMax) throw error;
    }
    await setTimeout(pauseMs);
  }
}

/** Node's own `cpSync` ends the process when a folder vanishes under it. */
function copyFiles(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) copyFiles(source, target);
    else copyFileSync(source, target);
  }
}

/** Another folder under the same name has another number, or was made at another time. */
function identity(folder: string): string {
  const { ino, ctimeNs } = statSync(folder, { bigint: true });
  return `${ino} ${ctimeNs}`;
}
