/**
 * Receives commands, runs each once, one after the other, and delivers the replies.
 *
 * The commit point is `journal.begin`: before it the broker still has the command (no PUBACK), after
 * it a crash answers `interrupted`.
 */
import type { DeviceReply } from "../../core/telemetry.ts";
import { HoldOff, type HoldOffClock } from "../connection/hold-off.ts";
import type { PublishOutcome } from "../connection/server-word.ts";
import type { Session } from "../connection/session.ts";
import { describeError, type Log } from "../log.ts";
import { executeCommand } from "./execute.ts";
import type { CommandJournal } from "./journal.ts";
import { type ParsedCommand, parseCommand, refusalReply } from "./parse.ts";

/** Commands waiting behind the one that runs; a device is no batch machine. */
export const commandsWaitingMax = 32;

export class CommandDesk {
  readonly #journal: CommandJournal;
  readonly #prefix: string;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #holdOff: HoldOff;
  /** `sent`: ids whose replies are on their way over this connection. */
  #link: { readonly session: Session; readonly sent: Set<string> } | null = null;
  #waiting = 0;
  /** Settles when everything received so far is answered; never rejects. */
  #work: Promise<void> = Promise.resolve();

  constructor(journal: CommandJournal, topicPrefix: string, log: Log, now: () => number, clock: HoldOffClock) {
    this.#journal = journal;
    this.#prefix = topicPrefix;
    this.#log = log;
    this.#now = now;
    this.#holdOff = new HoldOff(clock, () => this.#sendReplies());
  }

  connected(session: Session): void {
    this.#link = { session, sent: new Set() };
    this.#sendReplies();
  }

  disconnected(): void {
    this.#link = null;
    this.#holdOff.stop();
  }

  /** Returns once the command is safe here; throws when it can't be made so (then no PUBACK goes out). */
  receive(payload: Uint8Array): void {
    const parsed = parseCommand(payload, this.#now());
    if (parsed.kind === "ignored") {
      this.#log("warn", "command_ignored", { code: parsed.code });
      return;
    }
    if (!this.#journal.begin(parsed.id)) {
      this.#log("info", "command_repeated", { command_id: parsed.id });
      return;
    }
    if (parsed.kind === "refused") {
      this.#refuse(parsed.id, parsed.code, parsed.detail);
    } else if (this.#waiting >= commandsWaitingMax) {
      this.#refuse(parsed.id, "busy", "too many commands are waiting");
    } else {
      this.#waiting += 1;
      this.#work = this.#work.then(() => this.#run(parsed));
    }
  }

  async #run(command: ParsedCommand & { readonly kind: "command" }): Promise<void> {
    const reply = await executeCommand(command.id, command.name, this.#now());
    this.#waiting -= 1;
    this.#log("info", "command_run", {
      command_id: command.id,
      command: command.name,
      ...(reply.ok ? {} : { code: reply.error.code }),
    });
    this.#answer(reply);
  }

  #refuse(id: string, code: string, detail: string): void {
    this.#log("warn", "command_refused", { command_id: id, code });
    this.#answer(refusalReply(id, code, detail));
  }

  #answer(reply: DeviceReply): void {
    try {
      this.#journal.finish(reply);
    } catch (error) {
      // The journal still says "running": after a restart it is answered `interrupted`.
      this.#log("error", "journal_failed", { command_id: reply.id, ...describeError(error) });
    }
    this.#sendReplies();
  }

  #sendReplies(): void {
    const link = this.#link;
    if (link === null || this.#holdOff.isOn) return;
    for (const reply of this.#journal.pending()) {
      const { id } = reply;
      if (link.sent.has(id)) continue;
      link.sent.add(id);
      link.session.publish(`${this.#prefix}/replies/${id}`, JSON.stringify(reply), (outcome) => {
        if (outcome.kind !== "later") this.#settled(id, outcome);
        else if (this.#link === link) this.#deferred(link.sent, id, outcome);
      });
    }
  }

  #deferred(sent: Set<string>, id: string, outcome: PublishOutcome & { readonly kind: "later" }): void {
    sent.delete(id);
    const delay = this.#holdOff.refused(outcome.retryAfterMs);
    if (delay === null) return;
    this.#log("warn", "reply_deferred", { command_id: id, detail: outcome.said, delay_ms: delay });
  }

  /** It arrived, or never will: nothing is left to send. */
  #settled(id: string, outcome: PublishOutcome & { readonly kind: "arrived" | "refused" }): void {
    this.#holdOff.arrived();
    if (outcome.kind === "refused") this.#log("error", "reply_refused", { command_id: id, detail: outcome.said });
    try {
      this.#journal.delivered(id);
    } catch (error) {
      this.#log("error", "journal_failed", { command_id: id, ...describeError(error) });
    }
  }
}
