import { describe, expect, it } from "vitest";
import type { Command, CommandReply } from "../../../workers/dashboard/src/api/schemas.ts";
import {
  commandLines,
  noCommands,
  parseReply,
  reduceCommands,
} from "../../../workers/dashboard/src/pages/device/commands.ts";

const command = (id: string, over: Partial<Command> = {}): Command => ({
  id,
  name: "ping",
  issued_at: "2026-01-01T00:00:00Z",
  expires_at: "2026-01-01T00:05:00Z",
  reply: null,
  replied_at: null,
  ...over,
});
const pong = (id: string): CommandReply => ({ id, ok: true, result: { pong: true } });

describe("commands and their answers", () => {
  it("measures the round trip from the click to the answer", () => {
    let state = reduceCommands(noCommands, { kind: "sent", command: command("cmd_1"), clickedAtMs: 100 });
    expect(commandLines(state, [])[0]?.reply).toBeNull();
    state = reduceCommands(state, { kind: "heard", reply: pong("cmd_1"), atMs: 142 });
    expect(commandLines(state, [])[0]).toMatchObject({ reply: { ok: true }, roundTripMs: 42 });
  });

  it("knows an answer that overtook the API's own", () => {
    let state = reduceCommands(noCommands, { kind: "heard", reply: pong("cmd_1"), atMs: 130 });
    expect(commandLines(state, [])).toEqual([]);
    state = reduceCommands(state, { kind: "sent", command: command("cmd_1"), clickedAtMs: 100 });
    expect(commandLines(state, [])[0]).toMatchObject({ reply: { ok: true }, roundTripMs: 30 });
  });

  it("keeps the first of an answer delivered twice", () => {
    const first = reduceCommands(noCommands, { kind: "heard", reply: pong("cmd_1"), atMs: 130 });
    expect(reduceCommands(first, { kind: "heard", reply: pong("cmd_1"), atMs: 900 })).toBe(first);
  });

  it("shows a command once, with the answer the API knows when none was heard", () => {
    const state = reduceCommands(noCommands, { kind: "sent", command: command("cmd_1"), clickedAtMs: 0 });
    const lines = commandLines(state, [command("cmd_1", { reply: pong("cmd_1") })]);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({ reply: { ok: true }, roundTripMs: null });
  });

  it("puts the newest first", () => {
    const listed = [command("cmd_1"), command("cmd_2", { issued_at: "2026-01-01T00:01:00Z" })];
    expect(commandLines(noCommands, listed).map(({ id }) => id)).toEqual(["cmd_2", "cmd_1"]);
  });

  it("takes nothing for an answer that is not one", () => {
    const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
    expect(parseReply(bytes(pong("cmd_1")))).toEqual(pong("cmd_1"));
    expect(parseReply(bytes({ id: "cmd_1", ok: false }))).toBeNull();
    expect(parseReply(bytes("pong"))).toBeNull();
  });
});
