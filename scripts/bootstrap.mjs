/**
 * First step of every npm command: plain JavaScript for any Node ≥ 20. Installs what package-lock.json
 * names if node_modules does not hold it yet, then runs the given script on the pinned Node of
 * node_modules, which runs TypeScript directly.
 */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const windows = process.platform === "win32";
const [script, ...rest] = process.argv.slice(2);

if (Number(process.versions.node.split(".")[0]) < 20) {
  fail(`Sentinel needs Node 20 or newer; this is ${process.version}. Install a newer Node and try again.`);
}
if (script === undefined) fail("Usage: node scripts/bootstrap.mjs SCRIPT [ARGUMENTS]");
install();
run(join(root, "node_modules", "node", "bin", windows ? "node.exe" : "node"), [join(root, script), ...rest]);

/** Installs when the lockfile differs from the one that node_modules was installed from. */
function install() {
  const stamp = join(root, "node_modules", ".sentinel-installed");
  const wanted = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  process.stderr.write("installing packages (npm ci) …\n");
  const npm = spawnSync(windows ? "npm.cmd" : "npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    // npm's own output goes to stderr: stdout belongs to the command that was asked for.
    stdio: ["ignore", 2, 2],
    shell: windows,
  });
  if (npm.status !== 0) fail("npm ci failed. Check the network and the disk, then run the same command again.");
  writeFileSync(stamp, wanted);
}

/** Runs the script, passes signals on, and ends as it ended. */
function run(node, args) {
  if (!existsSync(node)) {
    fail(
      "node_modules holds no Node: its install script was refused. Run: npm rebuild node && npm rebuild esbuild workerd",
    );
  }
  const path = `${join(root, "node_modules", ".bin")}${windows ? ";" : ":"}${process.env.PATH ?? ""}`;
  // What was compiled once is not compiled again at the next start.
  const compiled = process.env.NODE_COMPILE_CACHE ?? join(root, "node_modules", ".cache", "node");
  const env = { ...process.env, PATH: path, NODE_COMPILE_CACHE: compiled };
  const child = spawn(node, args, { cwd: process.cwd(), stdio: "inherit", env });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => child.kill(signal));
  }
  if (process.env.npm_lifecycle_event !== undefined) stopWithParent(child);
  child.on("error", (error) => fail(`${node} can't run: ${error.message}`));
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal ?? "SIGTERM"] ?? 0);
  });
}

/**
 * npm ends at a signal without passing it on, which would leave a stack running that nobody sees:
 * when npm is gone, so is the reason to run.
 */
function stopWithParent(child) {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    child.kill("SIGTERM");
  }, 200);
  timer.unref();
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
