import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CommandDesk } from "../../../agent/commands/desk.ts";
import { CommandJournal, commandIdsMax } from "../../../agent/commands/journal.ts";
import { commandBytesMax, parseCommand } from "../../../agent/commands/parse.ts";
import type { PublishOutcome } from "../../../agent/connection/server-word.ts";
import type { Session } from "../../../agent/connection/session.ts";
import { HandClock } from "./hand-clock.ts";

const nowMs = Date.parse("2026-01-01T00:00:00Z");
const good = {
  id: "cmd_1",
  name: "ping",
  args: {},
  issued_at: "2026-01-01T00:00:00Z",
  expires_at: "2026-01-01T00:01:00Z",
};
const encode = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));

describe("reading a command", () => {
  test("takes a good one", () => {
    expect(parseCommand(encode(good), nowMs)).toEqual({ kind: "command", id: "cmd_1", name: "ping", args: {} });
  });

  test.each([
    ["no JSON", "{"],
    ["an array", []],
    ["no id", { ...good, id: undefined }],
    ["an id that would reach another topic", { ...good, id: "../telemetry" }],
    ["an id with a wildcard", { ...good, id: "#" }],
    ["an id that is no text", { ...good, id: 7 }],
    ["too many bytes", { ...good, args: { text: "x".repeat(commandBytesMax) } }],
  ])("ignores %s: there is nobody to answer", (_what, value) => {
    expect(parseCommand(encode(value), nowMs)).toEqual({ kind: "ignored", code: "malformed_command" });
  });

  test.each([
    ["invalid_command", { ...good, name: 3 }],
    ["invalid_command", { ...good, args: [] }],
    ["invalid_command", { ...good, args: { delay: 3 } }],
    ["invalid_command", { ...good, expires_at: "tomorrow" }],
    ["unknown_command", { ...good, name: "reboot" }],
    ["unknown_command", { ...good, name: "constructor" }],
    ["expired", { ...good, expires_at: "2025-12-31T23:59:49Z" }],
  ])("refuses with %s: %o", (code, value) => {
    expect(parseCommand(encode(value), nowMs)).toMatchObject({ kind: "refused", id: "cmd_1", code });
  });

  test("forgives a clock that is ten seconds fast", () => {
    expect(parseCommand(encode({ ...good, expires_at: "2025-12-31T23:59:50Z" }), nowMs).kind).toBe("command");
  });

  test("never throws, whatever the bytes", () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void parseCommand(bytes, nowMs)));
    fc.assert(fc.property(fc.json(), (json) => void parseCommand(encode(json), nowMs)));
  });
});

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sentinel-journal-"));
  path = join(directory, "commands.json");
});
afterEach(() => rmSync(directory, { recursive: true }));

const reply = (id: string) => ({ id, ok: true, result: {} }) as const;

describe("journal", () => {
  test("knows an id again after a restart", () => {
    expect(new CommandJournal(path).begin("a")).toBe(true);
    expect(new CommandJournal(path).begin("a")).toBe(false);
  });

  test("answers `interrupted` for a command that a crash cut short, instead of running it again", () => {
    new CommandJournal(path).begin("a");
    expect(new CommandJournal(path).pending()).toMatchObject([{ id: "a", ok: false, error: { code: "interrupted" } }]);
  });

  test("keeps a reply until it was delivered, across restarts", () => {
    const journal = new CommandJournal(path);
    journal.begin("a");
    journal.finish(reply("a"));
    const after = new CommandJournal(path);
    expect(after.pending()).toEqual([reply("a")]);
    after.delivered("a");
    expect(new CommandJournal(path).pending()).toEqual([]);
  });

  test("remembers a bounded number of ids, the newest", () => {
    const journal = new CommandJournal(path);
    for (let count = 0; count <= commandIdsMax; count += 1) journal.begin(`c${count}`);
    expect(journal.begin(`c${commandIdsMax}`)).toBe(false);
    expect(journal.begin("c1")).toBe(false);
    expect(journal.begin("c0")).toBe(true);
  });

  test.each(["", "{}", "[3]", '[{"id":1}]'])("starts empty from a broken file: %s", (content) => {
    writeFileSync(path, content);
    expect(new CommandJournal(path).begin("a")).toBe(true);
  });
});

describe("desk", () => {
  function fakeSession() {
    const published: {
      readonly topic: string;
      readonly body: string;
      readonly answer: (outcome: PublishOutcome) => void;
    }[] = [];
    let look = (): void => {};
    const session: Session = {
      publish: (topic, body, answer) => {
        published.push({ topic, body: String(body), answer });
        look();
      },
      end: async () => {},
    };
    const until = (count: number) =>
      new Promise<void>((resolve) => {
        look = () => published.length >= count && resolve();
        look();
      });
    return { session, published, until };
  }
  const createDesk = (clock = new HandClock()) =>
    new CommandDesk(
      new CommandJournal(path),
      "p",
      () => {},
      () => nowMs,
      clock,
    );

  test("sends an undelivered reply again on the next connection, and a delivered one never", async () => {
    const desk = createDesk();
    const first = fakeSession();
    desk.connected(first.session);
    desk.receive(encode(good));
    await first.until(1);
    expect(first.published[0]?.topic).toBe("p/replies/cmd_1");
    desk.disconnected();

    const second = fakeSession();
    desk.connected(second.session);
    expect(second.published).toHaveLength(1);
    second.published[0]?.answer({ kind: "arrived" });
    const third = fakeSession();
    desk.connected(third.session);
    expect(third.published).toHaveLength(0);
  });

  test("sends a reply again after a pause where the server had no room, and gives up one that it never takes", async () => {
    const clock = new HandClock();
    const desk = createDesk(clock);
    const { session, published, until } = fakeSession();
    desk.connected(session);
    desk.receive(encode(good));
    await until(1);
    published[0]?.answer({ kind: "later", said: "full", retryAfterMs: 20_000 });
    expect(published).toHaveLength(1);
    expect(clock.fire()).toBeGreaterThanOrEqual(20_000);
    expect(published.map(({ topic }) => topic)).toEqual(["p/replies/cmd_1", "p/replies/cmd_1"]);
    published[1]?.answer({ kind: "refused", said: "not this" });
    desk.connected(session);
    expect(published).toHaveLength(2);
  });

  test("does not accept a command that it could not write down: no PUBACK must go out", () => {
    const desk = createDesk();
    rmSync(directory, { recursive: true });
    expect(() => desk.receive(encode(good))).toThrow();
    directory = mkdtempSync(join(tmpdir(), "sentinel-journal-"));
  });
});
