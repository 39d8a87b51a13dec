import * as z from "zod/mini";
import type { DeviceCommandName } from "../../../../../core/telemetry.ts";
import { type Command, type CommandReply, replySchema } from "../../api/schemas.ts";
import { parseJson } from "../../live/presence.ts";

/** A command on screen. */
export interface CommandLine {
  readonly id: string;
  readonly name: string;
  /** RFC 3339 UTC. */
  readonly issuedAt: string;
  readonly expiresAt: string;
  readonly reply: CommandReply | null;
  /** Between the click and the answer in this page; null for commands of other times and places. */
  readonly roundTripMs: number | null;
}

interface Heard {
  readonly reply: CommandReply;
  readonly atMs: number;
}

export interface CommandState {
  /** When commands sent from this page were sent, by id; milliseconds of a clock that never jumps. */
  readonly sentAtMs: ReadonlyMap<string, number>;
  /** Replies heard live, by command id; one may come before the API has named the command. */
  readonly heard: ReadonlyMap<string, Heard>;
  /** What the API said of commands sent from this page. */
  readonly sent: readonly Command[];
}

export const noCommands: CommandState = { sentAtMs: new Map(), heard: new Map(), sent: [] };

export type CommandAction =
  | { readonly kind: "sent"; readonly command: Command; readonly clickedAtMs: number }
  | { readonly kind: "heard"; readonly reply: CommandReply; readonly atMs: number };

export function reduceCommands(state: CommandState, action: CommandAction): CommandState {
  switch (action.kind) {
    case "sent":
      return {
        ...state,
        sent: [action.command, ...state.sent.filter(({ id }) => id !== action.command.id)],
        sentAtMs: new Map(state.sentAtMs).set(action.command.id, action.clickedAtMs),
      };
    case "heard": {
      // QoS 1 may deliver twice; the first time is the round trip.
      if (state.heard.has(action.reply.id)) return state;
      const heard = { reply: action.reply, atMs: action.atMs };
      return { ...state, heard: new Map(state.heard).set(action.reply.id, heard) };
    }
  }
}

/** What to show, newest first: the API's list, with what this page knows better laid over it. */
export function commandLines(state: CommandState, listed: readonly Command[]): CommandLine[] {
  const byId = new Map<string, Command>();
  for (const command of [...listed, ...state.sent]) {
    const known = byId.get(command.id);
    if (known === undefined || known.reply === null) byId.set(command.id, command);
  }
  return [...byId.values()]
    .map((command) => {
      const heard = state.heard.get(command.id);
      const clicked = state.sentAtMs.get(command.id);
      return {
        id: command.id,
        name: command.name,
        issuedAt: command.issued_at,
        expiresAt: command.expires_at,
        reply: heard?.reply ?? command.reply,
        roundTripMs: heard === undefined || clicked === undefined ? null : Math.max(0, heard.atMs - clicked),
      };
    })
    .sort((a, b) => b.issuedAt.localeCompare(a.issuedAt) || b.id.localeCompare(a.id));
}

export function parseReply(payload: Uint8Array): CommandReply | null {
  const parsed = z.safeParse(replySchema, parseJson(payload));
  return parsed.success ? parsed.data : null;
}

export const commandLabels: Readonly<Record<DeviceCommandName, { readonly button: string; readonly hint: string }>> = {
  ping: { button: "Send ping", hint: "Asks whether it answers, and how fast" },
  inventory: { button: "Request inventory", hint: "Asks for its hardware and system" },
};
