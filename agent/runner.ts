/**
 * The running agent: reads, queues, sends, answers commands, until it is told to stop.
 *
 * INVARIANTS
 * - The caller holds the state directory's lock for as long as a runner exists.
 * - Nothing a collector, the disk or the network does ends it; only `stop` does.
 */
import { makeId } from "../core/ids.ts";
import { parseTelemetry, type TelemetrySample } from "../core/telemetry.ts";
import { CommandDesk } from "./commands/desk.ts";
import { CommandJournal } from "./commands/journal.ts";
import { explainClose } from "./connection/close-reason.ts";
import { ConnectionKeeper, type KeeperClock } from "./connection/keeper.ts";
import type { OpenSession } from "./connection/session.ts";
import { Delivery } from "./delivery.ts";
import { describeError, type Log } from "./log.ts";
import { DiskQueue } from "./queue/disk-queue.ts";
import { nodeQueueFiles } from "./queue/files.ts";
import type { Collector, Metrics } from "./readings/collectors.ts";
import { Sampler } from "./readings/sampler.ts";
import type { Credentials } from "./state/credentials.ts";
import type { StatePaths } from "./state/paths.ts";
import { StatusBoard } from "./state/status-board.ts";
import { agentVersion } from "./version.ts";

/** Outstanding PUBACKs are worth this wait at a stop; what is not acknowledged stays on disk. */
const flushMsMax = 2_000;
/** DISCONNECT and the closing handshake; with the flush under the five seconds a service manager gives. */
const disconnectMsMax = 2_000;

export interface RunnerClock extends KeeperClock {
  /** Unix time in milliseconds. */
  unixNow(): number;
  randomBytes(count: number): Uint8Array;
}

export interface RunnerOptions {
  readonly paths: StatePaths;
  readonly credentials: Credentials;
  readonly intervalMs: number;
  readonly collectors: readonly Collector[];
  readonly open: OpenSession;
  readonly clock: RunnerClock;
  readonly log: Log;
}

export class Runner {
  readonly #options: RunnerOptions;
  readonly #board: StatusBoard;
  readonly #queue: DiskQueue;
  readonly #delivery: Delivery;
  readonly #desk: CommandDesk;
  readonly #keeper: ConnectionKeeper;
  readonly #sampler: Sampler;
  #cancelTick: (() => void) | null = null;
  #stopped = false;

  /** Opens queue and journal; throws when the state directory can't be used. */
  constructor(options: RunnerOptions) {
    this.#options = options;
    const { paths, credentials, clock, log } = options;
    const now = (): number => clock.unixNow();
    this.#board = new StatusBoard(paths.status, agentVersion, now, (error) =>
      log("error", "status_write_failed", describeError(error)),
    );
    this.#queue = new DiskQueue(nodeQueueFiles(paths.queue), {
      dropped: (count) => {
        this.#board.dropped(count);
        log("warn", "samples_dropped", { count, detail: "the queue's bound was reached" });
      },
      damaged: (bytes) =>
        log("warn", "queue_damaged", { bytes, detail: "records that a crash or the disk broke were skipped" }),
    });
    this.#delivery = new Delivery(this.#queue, `${credentials.topicPrefix}/telemetry`, clock, {
      acknowledged: () => this.#board.acknowledged(),
      deferred: (said, delayMs) => {
        this.#board.error("samples_deferred", said);
        log("warn", "samples_deferred", { detail: said, delay_ms: delayMs });
      },
      refused: (said, isNews) => {
        this.#board.dropped(1);
        if (!isNews) return;
        this.#board.error("sample_refused", said);
        log("error", "sample_refused", { detail: said });
      },
      failed: (error) => this.#fail("queue_failed", error),
    });
    this.#desk = new CommandDesk(new CommandJournal(paths.commands), credentials.topicPrefix, log, now, clock);
    this.#sampler = new Sampler(
      options.collectors,
      {
        failed: (collector, code) => log("warn", "collector_failed", { collector, code }),
        recovered: (collector) => log("info", "collector_recovered", { collector }),
      },
      (ms, callback) => clock.after(ms, callback),
    );
    this.#keeper = this.#createKeeper();
  }

  start(): void {
    const { credentials, log } = this.#options;
    log("info", "started", {
      version: agentVersion,
      org_id: credentials.org,
      device_id: credentials.device,
      count: this.#queue.depth,
    });
    this.#keeper.start();
    void this.#tick();
  }

  /** Stops reading, waits briefly for acknowledgements, disconnects. Takes at most five seconds. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancelTick?.();
    let cancel = (): void => {};
    const patience = new Promise<void>((resolve) => {
      cancel = this.#options.clock.after(flushMsMax, resolve);
    });
    await Promise.race([this.#delivery.stop(), patience]);
    cancel();
    await this.#keeper.stop(disconnectMsMax);
    this.#queue.close();
    this.#board.queue(this.#queue.depth, this.#queue.bytes);
    this.#board.connection("stopped");
    this.#options.log("info", "stopped", { count: this.#queue.depth });
  }

  #createKeeper(): ConnectionKeeper {
    const { credentials, clock, log, open } = this.#options;
    return new ConnectionKeeper(open, credentials, clock, {
      connecting: () => this.#board.connection("connecting"),
      connected: (session, { protocolVersion, keepAliveSeconds }) => {
        const version = protocolVersion === 5 ? "5.0" : "3.1.1";
        log("info", "connected", { detail: `MQTT ${version}, keep-alive ${keepAliveSeconds} s` });
        this.#board.connection("connected");
        this.#desk.connected(session);
        this.#delivery.connected(session);
      },
      command: (payload) => this.#desk.receive(payload),
      subscriptionRefused: (said) => {
        const detail = `the server refuses the command topic (${said}): no commands will arrive`;
        this.#board.error("subscription_refused", detail);
        log("error", "subscription_refused", { detail });
      },
      disconnected: (reason, delayMs, attempt) => {
        this.#delivery.disconnected();
        this.#desk.disconnected();
        if (delayMs === null) return;
        const { code, detail } = explainClose(reason);
        this.#board.error(code, detail);
        this.#board.connection("waiting", delayMs);
        log("warn", "disconnected", { code, detail, attempt, delay_ms: delayMs });
      },
    });
  }

  /** One reading, then the next is set: they never overlap, and a slow one delays the next. */
  async #tick(): Promise<void> {
    const { clock, intervalMs } = this.#options;
    const startedAt = clock.now();
    const metrics = await this.#sampler.read();
    if (this.#stopped) return;
    this.#queueSample(metrics);
    const rest = Math.max(0, intervalMs - (clock.now() - startedAt));
    this.#cancelTick = clock.after(rest, () => void this.#tick());
  }

  #queueSample(metrics: Metrics): void {
    if (Object.keys(metrics).length === 0) return;
    const { clock } = this.#options;
    const nowMs = clock.unixNow();
    const sample: TelemetrySample = {
      id: makeId("sample", nowMs, clock.randomBytes(10)),
      at: new Date(nowMs).toISOString(),
      metrics,
    };
    const payload = new TextEncoder().encode(JSON.stringify(sample));
    // The server's own parser: what it would not store must not enter the queue.
    try {
      if (parseTelemetry(payload) === null) throw new Error("the server would not store this sample");
      this.#delivery.enqueue(payload, nowMs);
    } catch (error) {
      this.#fail("sample_not_queued", error);
    }
    this.#board.queue(this.#queue.depth, this.#queue.bytes);
    this.#board.sampled();
  }

  #fail(code: string, error: unknown): void {
    const { code: cause, detail } = describeError(error);
    this.#board.error(code, detail);
    this.#options.log("error", code, { code: cause, detail });
  }
}
