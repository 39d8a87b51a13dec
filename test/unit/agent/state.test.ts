import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createLog, type LogFields } from "../../../agent/log.ts";
import { replaceFile } from "../../../agent/state/atomic-file.ts";
import { type Credentials, readCredentials, writeCredentials } from "../../../agent/state/credentials.ts";
import { acquireLock, lockHolder } from "../../../agent/state/lock.ts";
import { defaultStateDirectory } from "../../../agent/state/paths.ts";
import { agentVersion } from "../../../agent/version.ts";
import { makeId } from "../../../core/ids.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sentinel-state-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const org = makeId("org", 1, new Uint8Array(10));
const device = makeId("device", 1, new Uint8Array(10));
const credentials: Credentials = {
  org,
  device,
  token: "t".repeat(43),
  mqttUrl: "wss://sentinel.example/mqtt/x",
  topicPrefix: `sentinel/${org}/devices/${device}`,
  ca: null,
};

describe("credentials", () => {
  const path = (): string => join(directory, "credentials.json");

  test("come back as they were stored, in a file nobody else may read", () => {
    writeCredentials(path(), credentials);
    expect(readCredentials(path())).toEqual({ kind: "ok", credentials });
    expect(statSync(path()).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(["credentials.json"]);
  });

  test("are refused once others could have read them", () => {
    writeCredentials(path(), credentials);
    chmodSync(path(), 0o640);
    expect(readCredentials(path())).toMatchObject({ kind: "refused", code: "credentials_exposed" });
  });

  test.each([
    ["cut short", (text: string) => text.slice(0, 40)],
    ["with another device's topics", (text: string) => text.replace("/devices/", "/devices/other-")],
    ["with a broker in the clear", (text: string) => text.replace("wss:", "ws:")],
    ["with a line break in the token", (text: string) => text.replace("ttt", "t\\n")],
  ])("are refused %s", (_what, change) => {
    writeCredentials(path(), credentials);
    writeFileSync(path(), change(readFileSync(path(), "utf8")));
    expect(readCredentials(path())).toMatchObject({ kind: "refused", code: "credentials_invalid" });
  });

  test("say when there are none", () => {
    expect(readCredentials(path())).toEqual({ kind: "not_enrolled" });
  });
});

test("a failed replacement leaves the old file and no other", () => {
  const path = join(directory, "file");
  replaceFile(path, "old", true);
  expect(() => replaceFile(path, null as unknown as string, true)).toThrow();
  expect(readFileSync(path, "utf8")).toBe("old");
  expect(readdirSync(directory)).toEqual(["file"]);
});

describe("lock", () => {
  const path = (): string => join(directory, "runner.lock");

  test("is held by one, named to the next, and free again after release", () => {
    const first = acquireLock(path());
    expect(acquireLock(path())).toEqual({ kind: "refused", pid: process.pid });
    expect(lockHolder(path())).toBe(process.pid);
    if (first.kind === "held") first.release();
    expect(lockHolder(path())).toBeNull();
    expect(acquireLock(path()).kind).toBe("held");
  });

  test.each([
    ["a process that is gone", { pid: 2 ** 22 + 1, started: "1" }],
    ["a process that got the same number later", { pid: process.pid, started: "1" }],
    ["nobody: the file is broken", "{"],
  ])("is taken over from %s", (_what, content) => {
    writeFileSync(path(), typeof content === "string" ? content : JSON.stringify(content));
    expect(acquireLock(path()).kind).toBe("held");
    expect(readdirSync(directory)).toEqual(["runner.lock"]);
  });
});

describe("default state directory", () => {
  const host = { platform: "linux" as const, uid: 1000, env: {}, home: "/home/a" };
  test.each([
    [{ ...host, uid: 0 }, "/var/lib/sentinel-agent"],
    [host, "/home/a/.local/state/sentinel-agent"],
    [{ ...host, env: { XDG_STATE_HOME: "/s" } }, "/s/sentinel-agent"],
    [{ ...host, env: { XDG_STATE_HOME: "relative" } }, "/home/a/.local/state/sentinel-agent"],
    [{ ...host, platform: "darwin" as const }, "/home/a/Library/Application Support/sentinel-agent"],
  ])("%o → %s", (given, expected) => {
    expect(defaultStateDirectory(given)).toBe(expected);
  });
});

test("logs allowed fields only, each line one JSON object whatever the text holds", () => {
  const lines: string[] = [];
  const log = createLog(
    (line) => lines.push(line),
    () => 0,
  );
  log("info", "event", { detail: "a\r\nforged", token: "secret" } as LogFields);
  expect(lines).toHaveLength(1);
  expect(lines[0]?.trimEnd().includes("\n")).toBe(false);
  expect(JSON.parse(lines[0] ?? "")).toEqual({
    at: "1970-01-01T00:00:00.000Z",
    level: "info",
    event: "event",
    detail: "a\r\nforged",
  });
});

test("calls itself by the package's version", () => {
  const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  expect(agentVersion).toBe(version);
});
