import { mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseOptions } from "../../../scripts/stack/options.ts";
import { loadSecrets } from "../../../scripts/stack/secrets.ts";
import { openStateFolder } from "../../../scripts/stack/state-folder.ts";

const folder = (): string => mkdtempSync(join(tmpdir(), "sentinel-unit-"));

describe("npm start's flags", () => {
  it("have the defaults that the documentation names", () => {
    expect(parseOptions([])).toMatchObject({ port: 8787, agent: true, demo: true, limitScale: 1, quiet: false });
    expect(parseOptions([])).toMatchObject({ hubShards: 1 });
    expect(parseOptions(["--hub-shards", "4"])).toMatchObject({ hubShards: 4 });
    expect(parseOptions([])).toMatchObject({ pace: 1 });
    expect(parseOptions(["--pace", "12"])).toMatchObject({ pace: 12 });
  });
  it("leave the agent out where there is no organisation to enrol it in", () => {
    expect(parseOptions(["--no-demo"])).toMatchObject({ demo: false, agent: false });
  });
  it.each([
    ["--port", "-1"],
    ["--port", "1e3"],
    ["--port", ""],
    ["--limit-scale", "0.5"],
    ["--hub-shards", "65"],
    ["--pace", "0"],
    ["--pace", "61"],
    ["--nonsense"],
    ["word"],
  ])("refuse %s %s", (...args) => {
    expect(() => parseOptions(args)).toThrow(expect.objectContaining({ code: "bad_flag" }));
  });
});

describe("a state folder", () => {
  it("is held by one stack at a time", () => {
    const dir = folder();
    // Process 1 is alive on every machine.
    writeFileSync(join(dir, "lock"), "1");
    expect(() => openStateFolder(dir)).toThrow(expect.objectContaining({ code: "state_in_use" }));
  });
  it("is taken over from a stack that died", () => {
    const dir = folder();
    writeFileSync(join(dir, "lock"), "999999999");
    const state = openStateFolder(dir);
    expect(readFileSync(join(dir, "lock"), "utf8")).toBe(String(process.pid));
    state.release();
  });
  it("is not a file", () => {
    const path = join(folder(), "file");
    writeFileSync(path, "");
    expect(() => openStateFolder(path)).toThrow(expect.objectContaining({ code: "state_unusable" }));
  });
});

describe("secrets", () => {
  it("are made once, 256 bits each, for their own user's eyes", () => {
    const path = join(folder(), "secrets.json");
    const made = loadSecrets(path, ["one"]);
    expect(Buffer.from(made.tenantDbRoot, "base64url")).toHaveLength(32);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(loadSecrets(path, ["one"])).toEqual(made);
  });
  it("are never made again over a damaged file", () => {
    const path = join(folder(), "secrets.json");
    writeFileSync(path, "{}");
    expect(() => loadSecrets(path, ["one"])).toThrow(expect.objectContaining({ code: "broken_state" }));
  });
});
