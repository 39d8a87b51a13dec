import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { repositoryRoot } from "./units.ts";

const folder = join(repositoryRoot, "node_modules", ".cache", "sentinel");
/** What decides how a bundle comes out, beside the files in it. Packages are what the lockfile names. */
const always = ["package-lock.json", "tsconfig.base.json", "scripts/bundle.ts"];

/** Times of files are coarser than the clock, in milliseconds. */
const fileTimeMsMax = 100;

export interface Bundle {
  /** The module's text. */
  readonly text: string;
  /** The files that went into it, as esbuild names them: from the folder where it was run. */
  readonly inputs: readonly string[];
  /** WebAssembly that it imports as modules beside it, from the repository's root. */
  readonly wasm: readonly string[];
}

interface Kept extends Bundle {
  readonly stamp: string;
}

/** A Worker's bundle as it was last made, unless a file that went into it is another by now. */
export async function bundleOnce(main: string, bundle: () => Promise<Bundle>): Promise<Bundle> {
  const name = relative(repositoryRoot, main).replaceAll(/[^\w.-]/g, "_");
  const path = join(folder, `${name}.json`);
  const kept = read(path);
  if (kept !== null && kept.stamp === stampOf(kept.inputs)) return kept;
  const startedAtMs = Date.now();
  const made = await bundle();
  const inputs = made.inputs
    .map((input) => relative(repositoryRoot, resolve(input)))
    .filter((input) => !input.split(/[\\/]/).includes("node_modules"))
    .sort();
  const stamp = stampOf(inputs);
  // What was written meanwhile may be in the stamp and not in the bundle.
  if (stamp !== null && inputs.every((input) => changedAtMs(input) < startedAtMs - fileTimeMsMax))
    keep(path, { ...made, stamp, inputs });
  return made;
}

const changedAtMs = (input: string): number => statSync(join(repositoryRoot, input)).ctimeMs;

/** Null when a file is gone. */
function stampOf(inputs: readonly string[]): string | null {
  const hash = createHash("sha256");
  try {
    for (const input of [...always, ...inputs])
      hash
        .update(input)
        .update("\0")
        .update(readFileSync(join(repositoryRoot, input)))
        .update("\0");
  } catch {
    return null;
  }
  return hash.digest("hex");
}

function read(path: string): Kept | null {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Kept;
  } catch {
    return null;
  }
}

/** By a rename, so that who reads meanwhile has a whole one. Where packages can't be written, nothing is kept. */
function keep(path: string, kept: Kept): void {
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${path}.${process.pid}`, JSON.stringify(kept));
    renameSync(`${path}.${process.pid}`, path);
  } catch {
    // It is bundled again next time.
  }
}
