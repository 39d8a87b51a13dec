import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type Collector, collectors } from "../../../agent/readings/collectors.ts";
import { chooseFilesystem } from "../../../agent/readings/filesystem.ts";
import { Sampler } from "../../../agent/readings/sampler.ts";

const disk = (mount: string, type: string, sizeBytes: number) => ({
  mount,
  type,
  sizeBytes,
  usedBytes: 1,
  usedPercent: 1,
});

test("takes the system's volume for the disk, else the largest real one", () => {
  expect(chooseFilesystem([disk("/data", "ext4", 900), disk("/", "overlay", 100)])?.mount).toBe("/");
  expect(chooseFilesystem([disk("/", "apfs", 10), disk("/System/Volumes/Data", "apfs", 10)])?.mount).toBe(
    "/System/Volumes/Data",
  );
  expect(chooseFilesystem([disk("D:", "NTFS", 900), disk("C:", "NTFS", 100)])?.mount).toBe("C:");
  expect(
    chooseFilesystem([
      disk("/run", "tmpfs", 900),
      disk("/mnt", "nfs4", 900),
      disk("/data", "ext4", 5),
      disk("/b", "xfs", 6),
    ])?.mount,
  ).toBe("/b");
  expect(chooseFilesystem([disk("/", "ext4", 0)])).toBeNull();
});

const collector = (name: string, read: Collector["read"]): Collector => ({ name, purpose: "test", read });

function sampler(list: readonly Collector[]) {
  const events: string[] = [];
  const timers = new Set<() => void>();
  const made = new Sampler(
    list,
    { failed: (name, code) => events.push(`${name} ${code}`), recovered: (name) => events.push(`${name} recovered`) },
    (_ms, callback) => {
      timers.add(callback);
      return () => timers.delete(callback);
    },
  );
  return {
    made,
    events,
    timers,
    timeOut: () => {
      for (const callback of [...timers]) callback();
    },
  };
}

test("leaves out what fails, what is no number, and what hangs, and keeps the rest", async () => {
  let hung = 0;
  const { made, events, timers, timeOut } = sampler([
    collector("good", async () => ({ a: 1.23456, b: null, c: Number.NaN, d: Number.POSITIVE_INFINITY, e: undefined })),
    collector("throws", async () => Promise.reject(new Error("x"))),
    collector("throws_at_once", () => {
      throw new Error("x");
    }),
    collector("hangs", () => {
      hung += 1;
      return new Promise(() => {});
    }),
  ]);
  const first = made.read();
  // The quick ones settle in microtasks and take their timers with them.
  await new Promise(setImmediate);
  expect(timers.size).toBe(1);
  timeOut();
  expect(await first).toEqual({ a: 1.235 });
  expect([...events].sort()).toEqual(["hangs timeout", "throws failed", "throws_at_once failed"]);
  // The hung one still hangs: it is not started a second time, and nothing is said twice.
  expect(await made.read()).toEqual({ a: 1.235 });
  expect(hung).toBe(1);
  expect(events).toHaveLength(3);
});

test("says when a collector works again", async () => {
  let broken = true;
  const { made, events } = sampler([
    collector("moody", async () => {
      if (broken) throw new Error("x");
      return { a: 1 };
    }),
  ]);
  await made.read();
  broken = false;
  await made.read();
  expect(events).toEqual(["moody failed", "moody recovered"]);
});

test("documents every collector with the purpose the code states", () => {
  const page = readFileSync(new URL("../../../docs/agent.md", import.meta.url), "utf8");
  for (const { name, purpose } of collectors) expect(page).toContain(`| ${name} | ${purpose} |`);
});
