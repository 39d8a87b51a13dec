import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Peer } from "./mosquitto.ts";

/** aedes in a process of its own; null when it is not installed. */
export async function startAedes(): Promise<Peer | null> {
  const installed = await import("aedes").then(
    () => true,
    () => false,
  );
  if (!installed) return null;
  const child = fork(fileURLToPath(new URL("aedes-server.ts", import.meta.url)));
  const [port] = (await Promise.race([once(child, "message"), once(child, "exit").then(() => [null])])) as [
    number | null,
  ];
  if (port === null) throw new Error(`aedes ended with ${child.exitCode} before it listened`);
  return { process: child, port };
}
