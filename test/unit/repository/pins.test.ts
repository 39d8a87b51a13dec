import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

interface Manifest {
  readonly version: string;
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
}
const manifest = (path: string): Manifest => JSON.parse(readFileSync(path, "utf8")) as Manifest;
const ours = manifest("package.json");
const all = { ...ours.dependencies, ...ours.devDependencies, ...ours.optionalDependencies };

describe("package pins", () => {
  it.each(Object.entries(all))("%s %s is an exact version", (_name, version) => {
    expect(version).toMatch(/^\d+\.\d+\.\d+(?:-[\w.]+)?$/);
  });

  it.each(["wrangler", "miniflare"])(
    "%s is the one that the test plugin runs, so that tests and deployment agree",
    (name) => {
      const plugin = manifest("node_modules/@cloudflare/vitest-plugin/package.json");
      expect(all[name]).toBe(plugin.dependencies?.[name]);
    },
  );

  it("one workerd serves everything", () => {
    const lock = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
      packages: Record<string, { version?: string }>;
    };
    const versions = Object.entries(lock.packages)
      .filter(([path]) => path.endsWith("node_modules/workerd"))
      .map(([, { version }]) => version);
    expect(new Set(versions).size).toBe(1);
  });

  it("the lockfile names no download address", () => {
    expect(readFileSync("package-lock.json", "utf8")).not.toMatch(/"resolved"/);
  });

  it("the lockfile holds every platform's binaries, so that npm ci passes on each", () => {
    const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
      packages: Record<string, { optionalDependencies?: Record<string, string> }>;
    };
    const locked = new Set(
      Object.keys(packages).map((path) => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length)),
    );
    const wanted = Object.values(packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}));
    expect(wanted.filter((name) => !locked.has(name))).toEqual([]);
  });

  it("the pinned Node runs this test", () => {
    expect(process.version).toBe(`v${ours.devDependencies?.["node"]}`);
  });
});
