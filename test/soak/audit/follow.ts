/** The audit logs of a stack as Postgres has them, followed entry by entry, and what of them can't be true. Pure. */
import type { Answered } from "./requests.ts";

/** A row of audit.events, with what its leaf says of a request. */
export interface LogRow {
  readonly log: string;
  readonly seq: number;
  readonly request_id: string;
  readonly phase: "event" | "intent" | "outcome";
  readonly intent_seq: number | null;
  readonly result: string | null;
  readonly type: string;
  readonly endpoint: string | null;
  readonly status: number | null;
}

interface Pair {
  readonly intent: LogRow;
  outcome: LogRow | null;
}

/** Follows logs from their first entry. Each method returns the first thing that is wrong, or null. */
export class LogFollower {
  readonly #last = new Map<string, number>();
  /** By log and number. Written by `take`. */
  readonly #pairs = new Map<string, Pair>();
  /** Requests to the API by their ids: their event, or their intent. */
  readonly #events = new Map<string, LogRow[]>();
  readonly #outcomes = new Map<string, LogRow[]>();
  entries = 0;

  /** The number up to which a log was taken. */
  lastOf(log: string): number {
    return this.#last.get(log) ?? 0;
  }

  get pairs(): Iterable<Pair> {
    return this.#pairs.values();
  }

  get openIntents(): number {
    return [...this.#pairs.values()].filter(({ outcome }) => outcome === null).length;
  }

  /** Takes the next rows of the logs, each log's in the order of its numbers. */
  take(rows: readonly LogRow[]): string | null {
    for (const row of rows) {
      const problem = this.#one(row);
      if (problem !== null) return `${row.log}: ${problem}`;
    }
    return null;
  }

  #one(row: LogRow): string | null {
    const next = this.lastOf(row.log) + 1;
    if (row.seq !== next) return `entry ${next} is missing or there twice (found ${row.seq})`;
    this.#last.set(row.log, row.seq);
    this.entries += 1;
    if (row.phase === "intent") {
      this.#pairs.set(`${row.log} ${row.seq}`, { intent: row, outcome: null });
    } else if (row.phase === "outcome") {
      const pair = this.#pairs.get(`${row.log} ${row.intent_seq}`);
      if (pair === undefined || pair.intent.request_id !== row.request_id)
        return `outcome ${row.seq} is of no intent of its request`;
      if (pair.outcome !== null) return `intent ${row.intent_seq} has two outcomes`;
      pair.outcome = row;
      put(this.#outcomes, row);
    } else if (row.type === "api_call") put(this.#events, row);
    return null;
  }

  /**
   * Whether answers stand in the log as they were given: once, and of one lane in the order in which it asked. A 5xx
   * says that the work may not have begun; what was begun is judged by {@link checkTruth}.
   * @returns how many of them are in the log from the first, and what is wrong with one; `missing` may yet come
   */
  check(answers: readonly Answered[]): { problem: string | null; missing: string | null } {
    const places = new Map<string, { seq: number; id: string }>();
    for (const answer of answers) {
      if (answer.status >= 500) continue;
      const found = (answer.kind === "read" ? this.#events : this.#outcomes).get(answer.id) ?? [];
      const [row] = found;
      const said = `${answer.kind} ${answer.id}, answered by ${answer.status},`;
      if (row === undefined) return { problem: null, missing: `${said} is not in a log` };
      if (found.length > 1) return { problem: `${said} is in the logs ${found.length} times`, missing: null };
      if (row.status !== answer.status)
        return { problem: `${said} stands in the log as ${row.status} (${row.result})`, missing: null };
      const place = `${answer.lane} ${row.log}`;
      const before = places.get(place);
      if (before !== undefined && before.seq >= row.seq)
        return { problem: `${said} stands before ${before.id}, which was answered before it was asked`, missing: null };
      places.set(place, { seq: row.seq, id: answer.id });
    }
    return { problem: null, missing: null };
  }

  /**
   * Whether outcomes say what happened.
   * @param receipts request ids whose work Postgres committed
   * @param leavesReceipt whether the work of a route leaves one when it succeeds
   */
  checkTruth(receipts: ReadonlySet<string>, leavesReceipt: (endpoint: string | null) => boolean): string | null {
    for (const { intent, outcome } of this.#pairs.values()) {
      if (outcome === null) continue;
      const done = receipts.has(intent.request_id);
      const which = `${intent.log} ${outcome.seq} of ${intent.request_id} (${intent.endpoint})`;
      if (outcome.result === "reconciled_done" && !done) return `${which} says done, and nothing was`;
      if (outcome.result === "reconciled_not_done" && done) return `${which} says not done, and it was`;
      if (outcome.result !== "answered" || outcome.status === null) continue;
      if (outcome.status >= 400 && done) return `${which} says ${outcome.status}, and it was done`;
      if (outcome.status < 400 && !done && leavesReceipt(intent.endpoint))
        return `${which} says ${outcome.status}, and nothing was done`;
    }
    return null;
  }

  /** How many times the work of a route was done, by what the outcomes say. */
  done(endpoint: string): number {
    const own = [...this.#pairs.values()].filter(({ intent }) => intent.endpoint === endpoint);
    const isDone = (row: LogRow | null): boolean =>
      row?.result === "reconciled_done" || (row?.result === "answered" && (row.status ?? 500) < 400);
    return own.filter(({ outcome }) => isDone(outcome)).length;
  }
}

function put(map: Map<string, LogRow[]>, row: LogRow): void {
  const known = map.get(row.request_id);
  if (known === undefined) map.set(row.request_id, [row]);
  else known.push(row);
}
