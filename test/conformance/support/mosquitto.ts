import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findPort } from "../../../scripts/stack/ports.ts";

/**
 * The limits that Sentinel names in its CONNACK, so that both are held to the same numbers. Without a
 * plain listener beside it 2.0.11 refuses to start one for WebSockets.
 */
const configuration = (plainPort: number, port: number): string => `
persistence false
allow_anonymous true
max_keepalive 60
max_inflight_messages 256
max_packet_size 65536
log_type none
listener ${plainPort} 127.0.0.1
listener ${port} 127.0.0.1
protocol websockets
max_topic_alias 10
`;

/** Starts the machine's mosquitto on a free port. */
export async function startMosquitto(): Promise<{ url: string; stop: () => Promise<void> }> {
  const dir = mkdtempSync(join(tmpdir(), "sentinel-mosquitto-"));
  const port = await findPort(0);
  const file = join(dir, "mosquitto.conf");
  writeFileSync(file, configuration(await findPort(0), port));
  const child = spawn("mosquitto", ["-c", file], {
    stdio: "ignore",
    env: { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin` },
  });
  const ended = once(child, "exit");
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(`mosquitto ended with ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    url: `ws://127.0.0.1:${port}/mqtt`,
    stop: async () => {
      child.kill("SIGTERM");
      await ended;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
