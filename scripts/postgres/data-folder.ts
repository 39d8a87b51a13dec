/** Where a cluster's files lie, who holds them, and the settings it runs with. */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { isAlive } from "../process-alive.ts";
import { type Account, accountCan, allowPassing } from "./account.ts";

/** Where a root-run server keeps its files when its account can't reach the state folder (a home of mode 0700). */
const outsideFolder = "/var/lib/sentinel-postgres";

/**
 * The folder that the account owns and reaches: `dir` itself, else one under {@link outsideFolder}
 * that `dir/location` names. A random name, so that a state folder made anew starts anew.
 */
export function clusterHome(dir: string, account: Account, stateDir: string | null): string {
  mkdirSync(dir, { recursive: true });
  if (account.uid === undefined) return dir;
  if (stateDir !== null) allowPassing(dir, stateDir);
  if (accountCan(account, "x", dir)) return own(dir, account);
  const location = join(dir, "location");
  if (existsSync(location)) return own(readFileSync(location, "utf8"), account);
  mkdirSync(outsideFolder, { recursive: true });
  chmodSync(outsideFolder, 0o711);
  const outside = join(outsideFolder, randomBytes(12).toString("hex"));
  mkdirSync(outside);
  writeFileSync(location, outside);
  return own(outside, account);
}

function own(folder: string, account: Account): string {
  if (!existsSync(folder))
    throw new Error(`The database files that belong to this state are gone: ${folder} does not exist.`);
  if (account.uid !== undefined) chownSync(folder, account.uid, account.gid);
  chmodSync(folder, 0o711);
  return folder;
}

/** Why a cluster could not start because another server has its files. */
export class ClusterInUse extends Error {
  readonly pid: number;
  constructor(data: string, pid: number) {
    super(
      `The database in ${data} is in use by a running PostgreSQL server (process ${pid}). Stop it first, or choose another state folder.`,
    );
    this.pid = pid;
  }
}

/**
 * Looks at the lock file that a crash may have left. PostgreSQL handles one of a dead process itself
 * (and looks for surviving backends), so it is removed only when another process has got its number.
 * @returns true when there was one: the server before ended without saying so
 * @throws ClusterInUse when the server that wrote it still runs
 */
export function clearStaleLock(data: string): boolean {
  const path = join(data, "postmaster.pid");
  if (!existsSync(path)) return false;
  const pid = Number(readFileSync(path, "utf8").split("\n", 1)[0]);
  if (!isAlive(pid)) return true;
  if (isServerOf(pid, data)) throw new ClusterInUse(data, pid);
  rmSync(path, { force: true });
  return true;
}

function isServerOf(pid: number, data: string): boolean {
  try {
    if (process.platform === "linux") return readlinkSync(`/proc/${pid}/cwd`) === data;
    if (process.platform === "win32") return true;
    return execFileSync("ps", ["-p", String(pid), "-o", "command="], { encoding: "utf8" }).includes(data);
  } catch {
    // It can't be asked: better a false refusal than two servers on one set of files.
    return true;
  }
}

/** Only SCRAM, only over loopback; no line trusts anybody, and the socket file is off. */
const hostBasedAuthentication = `# Written by Sentinel at every start.
host all all 127.0.0.1/32 scram-sha-256
host all all ::1/128 scram-sha-256
`;

const settings = `# Written by Sentinel at every start.
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
max_connections = 200
shared_buffers = '64MB'
# Durable: an acknowledged commit survives a crash.
fsync = on
synchronous_commit = on
full_page_writes = on
timezone = 'UTC'
log_timezone = 'UTC'
# No statement, parameter or failed row reaches the log: they hold passwords and personal data.
log_destination = 'stderr'
logging_collector = off
log_statement = 'none'
log_duration = off
log_min_duration_statement = -1
log_min_messages = 'log'
log_min_error_statement = 'panic'
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_error_verbosity = 'terse'
log_lock_waits = off
log_temp_files = -1
# A lost client frees its backend; a forgotten transaction does not hold locks for ever.
tcp_keepalives_idle = 60
client_connection_check_interval = '2s'
# A role can't raise it for itself: the scratch space one session may take.
temp_file_limit = '1GB'
idle_in_transaction_session_timeout = '60s'
`;

/** Writes the settings; `initdb`'s own files stay as they are. */
export function writeSettings(data: string, account: Account): void {
  const files = { "postgresql.conf": settings, "pg_hba.conf": hostBasedAuthentication } as const;
  for (const [name, text] of Object.entries(files)) writeOwned(join(data, name), text, account);
}

/** Writes a file of mode 0600 for the account. */
export function writeOwned(path: string, text: string, account: Account): void {
  rmSync(path, { force: true });
  writeFileSync(path, text, { mode: 0o600 });
  if (account.uid !== undefined) chownSync(path, account.uid, account.gid);
}
