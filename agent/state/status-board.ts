/** The runner's own account of itself, written down for `status`. */
import { type ConnectionState, type RunnerStatus, writeStatus } from "./status-file.ts";

export class StatusBoard {
  readonly #path: string;
  readonly #now: () => number;
  readonly #onWriteError: (error: unknown) => void;
  #status: RunnerStatus;

  constructor(path: string, agentVersion: string, now: () => number, onWriteError: (error: unknown) => void) {
    this.#path = path;
    this.#now = now;
    this.#onWriteError = onWriteError;
    const at = this.#time();
    this.#status = {
      pid: process.pid,
      agent_version: agentVersion,
      started_at: at,
      updated_at: at,
      connection: { state: "connecting", since: at, next_attempt_at: null },
      queue: { depth: 0, bytes: 0, dropped: 0 },
      last_sample_at: null,
      last_acknowledged_at: null,
      last_error: null,
    };
  }

  connection(state: ConnectionState, delayMs: number | null = null): void {
    const next = delayMs === null ? null : new Date(this.#now() + delayMs).toISOString();
    this.#set({ connection: { state, since: this.#time(), next_attempt_at: next } });
    this.write();
  }

  error(code: string, detail: string): void {
    this.#set({ last_error: { code, detail, at: this.#time() } });
  }

  /** In memory only: acknowledgements come by the hundred after an outage. `sampled` writes. */
  acknowledged(): void {
    this.#set({ last_acknowledged_at: this.#time() });
  }

  dropped(count: number): void {
    this.#set({ queue: { ...this.#status.queue, dropped: this.#status.queue.dropped + count } });
  }

  queue(depth: number, bytes: number): void {
    this.#set({ queue: { ...this.#status.queue, depth, bytes } });
  }

  sampled(): void {
    this.#set({ last_sample_at: this.#time() });
    this.write();
  }

  write(): void {
    this.#set({ updated_at: this.#time() });
    try {
      writeStatus(this.#path, this.#status);
    } catch (error) {
      this.#onWriteError(error);
    }
  }

  #set(change: Partial<RunnerStatus>): void {
    this.#status = { ...this.#status, ...change };
  }

  #time(): string {
    return new Date(this.#now()).toISOString();
  }
}
