import { setTimeout as delay } from "node:timers/promises";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, type V4MiniflareOptions } from "miniflare";
import { startCron, withClock } from "./cron.ts";
import { childProcesses, commandLine } from "./processes.ts";
import { StackError } from "./stack-error.ts";
import { endWhenHeld } from "./watchdog.ts";

export interface WorkerdOptions {
  /** Where it listens, on 127.0.0.1; the same after it was started again. */
  readonly port: number;
  /** Miniflare's options of each Worker; the first one answers requests. */
  readonly workers: readonly Readonly<Record<string, unknown>>[];
  /** Where objects and KV live; absent for Workers that keep nothing. */
  readonly stateDir?: string;
  /** How many times as often their cron triggers fire. */
  readonly pace: number;
  /** An exception that no Worker caught. */
  readonly onError: (error: Error) => void;
  /** It died and was started again on the same port. */
  readonly onRestart: () => void;
  /** CPU that its thread may take without answering, in milliseconds, before it is ended and started again. */
  readonly heldMsMax?: number;
}

export interface Workerd {
  readonly url: URL;
  /** 0 while it is being started again. */
  readonly pid: number;
  stop(): Promise<void>;
}

/** How long workerd may take to stop, in milliseconds: with sockets open it may ignore SIGTERM. */
const stopMsMax = 5000;
/** Between two tries to start a workerd that died while it started, in milliseconds. */
const reviveDelayMs = 500;

/**
 * Starts one workerd and keeps it running until it is stopped.
 * @throws StackError `workers_failed`
 */
export async function startWorkerd(options: WorkerdOptions): Promise<Workerd> {
  const workers = withClock(options.workers);
  const revival = { wanted: false };
  const revive = async (): Promise<void> => {
    while (revival.wanted) {
      await delay(reviveDelayMs);
      if (!revival.wanted) return;
      try {
        await miniflare.setOptions(miniflareOptions);
        options.onRestart();
        return;
      } catch (error) {
        options.onError(error as Error);
      }
    }
  };
  const miniflareOptions = convertV4MiniflareOptions({
    host: "127.0.0.1",
    port: options.port,
    cf: { country: "IN", tlsVersion: "TLSv1.3" },
    ...(options.stateDir === undefined ? {} : { resourcePersistencePath: options.stateDir }),
    log: new GivingUpLog(() => void revive()),
    logRequests: false,
    handleUncaughtError: options.onError,
    unsafeHandleRuntimeRestart: options.onRestart,
    workers,
  } as unknown as V4MiniflareOptions);
  const miniflare = withoutSignalHandlers(() => new Miniflare(miniflareOptions));
  let url: URL;
  try {
    url = await miniflare.ready;
  } catch (error) {
    await miniflare.dispose().catch(() => undefined);
    throw new StackError(
      "workers_failed",
      `workerd did not start: ${(error as Error).message}`,
      "Read the message above; after an update run npm ci.",
    );
  }
  revival.wanted = true;
  const stopCron = startCron(miniflare, workers, options.pace, options.onError);
  const pid = (): number => findWorkerd(options.port);
  const { heldMsMax, onError } = options;
  const onEnded = (): void => onError(new Error("a Worker's thread was held for too long; it starts again"));
  const stopWatching = heldMsMax === undefined ? null : endWhenHeld({ url, pid, heldMsMax, onEnded });
  return {
    url,
    get pid() {
      return pid();
    },
    stop: () => {
      stopCron();
      stopWatching?.();
      revival.wanted = false;
      return stopWorkerd(miniflare, options.port);
    },
  };
}

/** Miniflare starts a workerd that died again, but gives up on one that dies before it listens: this line is all it says. */
class GivingUpLog extends Log {
  readonly #onGivenUp: () => void;

  constructor(onGivenUp: () => void) {
    super(LogLevel.ERROR);
    this.#onGivenUp = onGivenUp;
  }

  override error(error: Error): void {
    super.error(error);
    if ("code" in error && error.code === "ERR_RUNTIME_FAILURE") this.#onGivenUp();
  }
}

/**
 * Miniflare ends the whole process at the first signal; here the stack decides in which order things
 * stop. Its hook on `exit`, which kills workerd, stays.
 */
function withoutSignalHandlers(make: () => Miniflare): Miniflare {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const before = new Map(signals.map((signal) => [signal, process.listeners(signal)]));
  const miniflare = make();
  for (const signal of signals) {
    for (const listener of process.listeners(signal)) {
      if (!before.get(signal)?.includes(listener)) process.off(signal, listener);
    }
  }
  return miniflare;
}

/** The workerd of ours that listens there: this process has more than one. 0 when there is none. */
function findWorkerd(port: number): number {
  const listens = new RegExp(`--socket-addr=entry=127\\.0\\.0\\.1:${port}(?!\\d)`);
  return childProcesses(process.pid).find((pid) => listens.test(commandLine(pid))) ?? 0;
}

/** Asks workerd to stop, and kills it when it does not: its storage is durable at every acknowledged write. */
async function stopWorkerd(miniflare: Miniflare, port: number): Promise<void> {
  const pid = findWorkerd(port);
  const timer = setTimeout(() => {
    try {
      if (pid !== 0) process.kill(pid, "SIGKILL");
    } catch {
      // It is gone already.
    }
  }, stopMsMax);
  try {
    await miniflare.dispose();
  } finally {
    clearTimeout(timer);
  }
}
