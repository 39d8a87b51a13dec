/** Which operating-system account the embedded server runs as. PostgreSQL refuses to be root. */
import { spawnSync } from "node:child_process";
import { chmodSync, readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";

/** Spread into spawn options; empty: run as whoever we are. */
export type Account = { readonly uid: number; readonly gid: number } | Record<string, never>;

/** Accounts without rights that most systems have; initdb needs one with an entry in /etc/passwd. */
const unprivilegedNames = ["nobody", "daemon"];

/** The current account, or an unprivileged one when the current is root. */
export function serverAccount(): Account {
  if (process.getuid?.() !== 0) return {};
  const lines = readFileSync("/etc/passwd", "utf8").split("\n");
  for (const name of unprivilegedNames) {
    const fields = lines.find((line) => line.startsWith(`${name}:`))?.split(":");
    const uid = Number(fields?.[2]);
    const gid = Number(fields?.[3]);
    if (uid > 0 && gid >= 0) return { uid, gid };
  }
  throw new Error(
    `PostgreSQL does not run as root, and /etc/passwd has none of ${unprivilegedNames.join(", ")}. ` +
      "Start Sentinel as an ordinary user, or add an account named nobody.",
  );
}

/** True when the account can do what `test -<flags>` asks with the path; asked of the system itself, so ACLs count. */
export function accountCan(account: Account, flags: "r" | "x" | "w", path: string): boolean {
  if (process.platform === "win32") return true;
  return (
    spawnSync("/bin/sh", ["-c", `test -${flags} "$0"`, path], { ...account, cwd: "/", stdio: "ignore" }).status === 0
  );
}

/**
 * Lets other accounts pass through (not list) the folders from `path` up to `top`, both included.
 * Only for folders that are Sentinel's own; secrets in them are files of mode 0600.
 */
export function allowPassing(path: string, top: string): void {
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    const mode = statSync(folder).mode & 0o777;
    if ((mode & 0o011) !== 0o011) chmodSync(folder, mode | 0o011);
    if (folder === resolve(top) || folder === dirname(folder)) return;
  }
}
