import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** The peer's program (main.go), built. */
export interface Go {
  /** @returns what it printed, one JSON text. @throws Error when it failed */
  run(...args: readonly string[]): Promise<Readonly<Record<string, unknown>>>;
  remove(): void;
}

/** Where Debian's golang-golang-x-mod-dev puts its source. */
const debianSources = "/usr/share/gocode";

/** Builds the peer with the machine's own Go and the machine's own source of tlog; null where either is missing. */
export function buildGo(): Go | null {
  const folder = mkdtempSync(join(tmpdir(), "sentinel-peer-"));
  const program = join(folder, "peer");
  const source = fileURLToPath(new URL("main.go", import.meta.url));
  const env = { ...process.env, GO111MODULE: "off", GOPATH: debianSources, GOCACHE: join(folder, "cache") };
  try {
    execFileSync("go", ["build", "-o", program, source], { env, stdio: "ignore" });
  } catch {
    rmSync(folder, { recursive: true, force: true });
    return null;
  }
  return {
    run: async (...args) => JSON.parse((await promisify(execFile)(program, [...args])).stdout),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
