/** A local workerd has one thread and no limit of CPU: what holds it for ever is ended by the stack. */
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { findPort } from "../../../scripts/stack/ports.ts";
import { cpuMs } from "../../../scripts/stack/processes.ts";
import { startWorkerd, type Workerd } from "../../../scripts/stack/workerd.ts";

/** For something that hangs, on a machine with much else to do. */
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const heldMsMax = 1_500;
const script = `export default {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/for-ever") for (;;);
    if (pathname === "/idle") await new Promise((resolve) => setTimeout(resolve, 4_000));
    return new Response(pathname);
  },
};`;

let workerd: Workerd;
let ended = 0;
let restarts = 0;
beforeAll(async () => {
  workerd = await startWorkerd({
    port: await findPort(0),
    workers: [{ name: "held", modules: true, script, compatibilityDate: "2026-10-20" }],
    pace: 1,
    onError: () => {
      ended += 1;
    },
    onRestart: () => {
      restarts += 1;
    },
    heldMsMax,
  });
});
afterAll(() => workerd.stop());

const ask = async (path: string): Promise<string> => (await fetch(new URL(path, workerd.url))).text();

it("a Worker that waits is left alone, however long it takes to answer", async () => {
  const { pid } = workerd;
  expect(await ask("/idle")).toBe("/idle");
  expect([workerd.pid, ended]).toEqual([pid, 0]);
});

it("a Worker that works and never answers is ended, and answers whoever comes next", async () => {
  const { pid } = workerd;
  await expect(ask("/for-ever")).rejects.toThrow();
  expect(await vi.waitUntil(() => ask("/next").catch(() => null), { timeout: 60_000, interval: 100 })).toBe("/next");
  expect(workerd.pid).not.toBe(pid);
  expect([ended, restarts]).toEqual([1, 1]);
});

it("what a process has worked is known, and of none that is not there", () => {
  expect(cpuMs(process.pid)).toBeGreaterThan(0);
  expect(cpuMs(0)).toBeNull();
});
