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

/** A relay that has the network before it: the least that there can be. */
export function startNearObject(): Promise<Peer> {
  return startRelay("Relay", 1);
}

/** A relay with two Workers more before it than Sentinel's hub has. */
export function startFarObject(): Promise<Peer> {
  return startRelay("Relay", 4);
}

/** @param workers how many stand between network and object: as the edge and the gateway do, if not told */
async function startRelay(className: "Relay" | "BatchingRelay", workers = 2): Promise<Peer> {
  const contents = readFileSync(fileURLToPath(new URL("object-worker.js", import.meta.url)), "utf8");
  const shared = {
    modules: [{ type: "ESModule", path: "object-worker.js", contents }],
    compatibilityDate: "2026-10-20",
    compatibilityFlags: ["nodejs_compat"],
  };
  // The last one before the object is an entrypoint of the object's own Worker.
  const fronts = Array.from({ length: workers - 1 }, (_, index) => `front-${index}`);
  const gateway = { name: "objects", entrypoint: "Gateway" };
  const port = await freePort();
  const workerd = await startWorkerd({
    port,
    workers: [
      ...fronts.map((name, index) => ({
        ...shared,
        name,
        serviceBindings: { GATEWAY: fronts[index + 1] ?? gateway },
      })),
      { ...shared, name: "objects", durableObjects: { RELAY: { className, useSQLite: true } } },
    ],
    pace: 1,
    onError: (error) => console.error(error),
    onRestart: () => console.error("the relay's workerd died"),
  });
  return { pid: workerd.pid, port, stop: () => workerd.stop() };
}
