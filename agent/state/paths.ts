/** Where the agent keeps its state, and under which names. */
import { homedir } from "node:os";
import { join } from "node:path";

export interface StatePaths {
  readonly directory: string;
  readonly credentials: string;
  readonly status: string;
  readonly lock: string;
  readonly commands: string;
  readonly queue: string;
}

export function statePaths(directory: string): StatePaths {
  return {
    directory,
    credentials: join(directory, "credentials.json"),
    status: join(directory, "status.json"),
    lock: join(directory, "runner.lock"),
    commands: join(directory, "commands.json"),
    queue: join(directory, "queue"),
  };
}

interface Host {
  readonly platform: NodeJS.Platform;
  readonly uid: number | null;
  readonly env: NodeJS.ProcessEnv;
  readonly home: string;
}

/** The default `--state`: the system's place for a service's state, or the user's own. */
export function defaultStateDirectory(host: Host = currentHost()): string {
  if (host.platform === "win32") {
    const base = host.env["ProgramData"] ?? host.env["LOCALAPPDATA"] ?? host.home;
    return join(base, "sentinel-agent");
  }
  if (host.uid === 0) {
    return host.platform === "darwin" ? "/Library/Application Support/sentinel-agent" : "/var/lib/sentinel-agent";
  }
  if (host.platform === "darwin") return join(host.home, "Library", "Application Support", "sentinel-agent");
  // The XDG specification ignores a relative path here.
  const xdg = host.env["XDG_STATE_HOME"];
  const base = xdg?.startsWith("/") === true ? xdg : join(host.home, ".local", "state");
  return join(base, "sentinel-agent");
}

function currentHost(): Host {
  return { platform: process.platform, uid: process.getuid?.() ?? null, env: process.env, home: homedir() };
}
