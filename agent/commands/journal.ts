/**
 * Which commands were seen, and the replies that haven't arrived yet. On disk, because a command
 * may come again after a lost PUBACK, also to a restarted agent.
 *
 * INVARIANTS
 * - An id is written down before its command runs: it runs at most once, also across a crash.
 * - A command that was running when the agent died is answered `interrupted`, never run again.
 * - A reply stays here until its PUBACK; then only the id is kept.
 */
import { readFileSync } from "node:fs";
import type { DeviceReply } from "../../core/telemetry.ts";
import { replaceFile } from "../state/atomic-file.ts";
import { refusalReply } from "./parse.ts";

/** How many ids are remembered; the broker repeats only what it holds unacknowledged, far fewer. */
export const commandIdsMax = 256;

interface Entry {
  readonly id: string;
  readonly state: "running" | "replying" | "done";
  readonly reply: DeviceReply | null;
}

export class CommandJournal {
  readonly #path: string;
  /** Oldest first. Written only by `#put`. */
  #entries: Entry[];

  /** Reads what is there; a broken file counts as empty (its commands have expired long before). */
  constructor(path: string) {
    this.#path = path;
    this.#entries = readEntries(path).map((entry) =>
      entry.state === "running"
        ? {
            id: entry.id,
            state: "replying",
            reply: refusalReply(entry.id, "interrupted", "the agent stopped while it ran; it was not run again"),
          }
        : entry,
    );
  }

  /** @returns false when the id was seen before. Durable when it returns; throws when the disk refuses. */
  begin(id: string): boolean {
    if (this.#entries.some((entry) => entry.id === id)) return false;
    this.#put({ id, state: "running", reply: null });
    return true;
  }

  /** The reply is durable when this returns. */
  finish(reply: DeviceReply): void {
    this.#put({ id: reply.id, state: "replying", reply });
  }

  /** Its PUBACK came. */
  delivered(id: string): void {
    this.#put({ id, state: "done", reply: null });
  }

  /** Replies still to be delivered, oldest first. */
  pending(): DeviceReply[] {
    return this.#entries.flatMap((entry) => (entry.state === "replying" && entry.reply !== null ? [entry.reply] : []));
  }

  #put(entry: Entry): void {
    const index = this.#entries.findIndex((candidate) => candidate.id === entry.id);
    const next = index === -1 ? [...this.#entries, entry] : this.#entries.with(index, entry);
    const kept = next.slice(-commandIdsMax);
    replaceFile(this.#path, `${JSON.stringify(kept)}\n`, true);
    this.#entries = kept;
  }
}

function readEntries(path: string): Entry[] {
  try {
    const json: unknown = JSON.parse(readFileSync(path, "utf8"));
    return Array.isArray(json) ? json.filter(isEntry).slice(-commandIdsMax) : [];
  } catch {
    return [];
  }
}

function isEntry(value: unknown): value is Entry {
  const entry = value as Partial<Entry> | null;
  return typeof entry?.id === "string" && ["running", "replying", "done"].includes(entry.state ?? "");
}
