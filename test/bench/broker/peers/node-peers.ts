import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Peer } from "./peer.ts";

/** aedes in a process of its own; null when it is not installed. */
export async function startAedes(): Promise<Peer | null> {
  const installed = await import("aedes").then(
    () => true,
    () => false,
  );
  return installed ? startNodePeer("aedes-server.ts") : null;
}

/** The relay that shows what the generator can do. */
export function startBare(): Promise<Peer> {
  return startNodePeer("bare-server.ts");
}

async function startNodePeer(file: string): Promise<Peer> {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)));
  const ended = once(child, "exit").then(() => [null]);
  const [port] = (await Promise.race([once(child, "message"), ended])) as [number | null];
  if (port === null || child.pid === undefined)
    throw new Error(`${file} ended with ${child.exitCode} before it listened`);
  return { pid: child.pid, port, stop: () => void child.kill() };
}
