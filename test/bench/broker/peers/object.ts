import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { freePort } from "../../../../scripts/postgres/embedded.ts";
import { startWorkerd } from "../../../../scripts/stack/workerd.ts";
import type { Peer } from "./peer.ts";

/** A relay on the runtime that Sentinel stands on, with as many borders between it and the network. */
export function startObject(): Promise<Peer> {
  return startRelay("Relay");
}

/** The same, which lets a millisecond's packets for a socket leave as one frame. */
export function startBatching(): Promise<Peer> {
  return startRelay("BatchingRelay");
}

async function startRelay(className: "Relay" | "BatchingRelay"): Promise<Peer> {
  const contents = readFileSync(fileURLToPath(new URL("object-worker.js", import.meta.url)), "utf8");
  const shared = {
    modules: [{ type: "ESModule", path: "object-worker.js", contents }],
    compatibilityDate: "2026-10-20",
    compatibilityFlags: ["nodejs_compat"],
  };
  const port = await freePort();
  const workerd = await startWorkerd({
    port,
    workers: [
      { ...shared, name: "front", serviceBindings: { GATEWAY: { name: "objects", entrypoint: "Gateway" } } },
      { ...shared, name: "objects", durableObjects: { RELAY: { className, useSQLite: true } } },
    ],
    pace: 1,
    onError: (error) => console.error(error),
    onRestart: () => console.error("the relay's workerd died"),
  });
  return { pid: workerd.pid, port, stop: () => workerd.stop() };
}
