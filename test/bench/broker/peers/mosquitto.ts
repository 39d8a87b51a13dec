import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { freePort } from "../../../../scripts/postgres/embedded.ts";
import type { Peer } from "./peer.ts";

/**
 * mosquitto over WebSocket, memory only, without limits of its own; null when it is not installed.
 * A second, plain listener: 2.0.11 refuses to start with WebSockets alone.
 */
export async function startMosquitto(): Promise<Peer | null> {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin"];
  const program = folders.map((folder) => join(folder, "mosquitto")).find((path) => existsSync(path));
  if (program === undefined) return null;
  const [port, plainPort] = [await freePort(), await freePort()];
  const folder = mkdtempSync(join(tmpdir(), "sentinel-mosquitto-"));
  const settings = [
    `listener ${port} 127.0.0.1`,
    "protocol websockets",
    `listener ${plainPort} 127.0.0.1`,
    "allow_anonymous true",
    "set_tcp_nodelay true",
    "max_inflight_messages 0",
    "max_queued_messages 0",
    "persistence false",
  ];
  writeFileSync(join(folder, "conf"), `${settings.join("\n")}\n`);
  const child = spawn(program, ["-c", join(folder, "conf")], { stdio: "ignore" });
  child.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const answers = await fetch(`http://127.0.0.1:${port}`).then(
      () => true,
      (error: { cause?: { code?: string } }) => error.cause?.code !== "ECONNREFUSED",
    );
    if (answers) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  if (child.pid === undefined) throw new Error("mosquitto could not be started");
  return { pid: child.pid, port, stop: () => void child.kill() };
}
