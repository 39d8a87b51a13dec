/**
 * Starts a workerd whose scheduled handler logs more than a pipe holds, waits until that handler has run, and ends.
 * A process of its own, because where the claim is false this thread stands still and no time-out of its own fires.
 */
import { setTimeout as delay } from "node:timers/promises";
import { startWorkerd } from "../../scripts/stack/workerd.ts";

/** A pipe holds 64 KiB on Linux; this is 32 times as much. */
const script = `let runs = 0;
export default {
  async scheduled() {
    for (let line = 0; line < 2048; line += 1) console.log("x".repeat(1024));
    runs += 1;
  },
  fetch: () => new Response(String(runs)),
};`;

const workerd = await startWorkerd({
  port: Number(process.argv[2]),
  workers: [
    {
      name: "sentinel-studio",
      modules: [{ type: "ESModule", path: "index.mjs", contents: script }],
      compatibilityDate: "2026-01-01",
    },
  ],
  pace: 60,
  onError: (error) => {
    throw error;
  },
  onRestart: () => undefined,
});
while (Number(await (await fetch(workerd.url)).text()) < 3) await delay(100);
await workerd.stop();
process.stderr.write("the clock went on\n");
