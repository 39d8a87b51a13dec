/** What a run shows while it lasts: a bar on a terminal, a line now and then elsewhere. */
import type { TenantProgress } from "./run.ts";

const barCharacters = 24;
/** Between two lines where there is no terminal, in milliseconds. */
const lineMs = 5_000;
/** Between two pictures of the bar, in milliseconds. */
const drawMs = 100;

export interface ProgressOptions {
  /** Writes text as it stands. */
  readonly write: (text: string) => void;
  readonly isTerminal: boolean;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

export interface Counts {
  readonly done: number;
  readonly pending: number;
  readonly busy: number;
  readonly failed: number;
  readonly elapsedMs: number;
}

/** One line: how many of how many, how fast, how long still, and what went wrong. Pure. */
export function progressText({ done, pending, busy, failed, elapsedMs }: Counts): string {
  const perSecond = elapsedMs === 0 ? 0 : (done * 1000) / elapsedMs;
  const left = perSecond === 0 ? "" : `, ${duration((pending - done) / perSecond)} left`;
  const trouble = [busy === 0 ? "" : `, ${busy} busy`, failed === 0 ? "" : `, ${failed} failed`].join("");
  return `${done} of ${pending} tenants, ${perSecond.toFixed(1)} a second${left}${trouble}`;
}

/** The same behind a bar. Pure. */
export function progressBar(counts: Counts): string {
  const full = counts.pending === 0 ? barCharacters : Math.floor((counts.done * barCharacters) / counts.pending);
  return `[${"#".repeat(full)}${".".repeat(barCharacters - full)}] ${progressText(counts)}`;
}

function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 90 ? `${whole} s` : `${Math.ceil(whole / 60)} min`;
}

/** @returns progress for a run, and `end` to call after it */
export function showProgress({ write, isTerminal, now }: ProgressOptions): TenantProgress & { end(): void } {
  /** Written by `planned` and `outcome` only. */
  let [startedAt, drawnAt, pending, done, failed] = [now(), Number.NEGATIVE_INFINITY, 0, 0, 0];
  const busy = new Set<string>();
  const counts = (): Counts => ({ done, pending, busy: busy.size, failed, elapsedMs: now() - startedAt });
  const draw = (last: boolean): void => {
    if (pending === 0 || (!last && now() - drawnAt < (isTerminal ? drawMs : lineMs))) return;
    drawnAt = now();
    // "\x1b[K" clears what a longer line of before left.
    write(isTerminal ? `\r${progressBar(counts())}\x1b[K` : `${progressText(counts())}\n`);
  };
  return {
    planned({ pending: more }) {
      if (pending === 0) startedAt = now();
      pending += more;
    },
    outcome({ org }, { kind }) {
      busy.delete(org);
      if (kind === "migrated") done += 1;
      else if (kind === "failed") failed += 1;
      else busy.add(org);
      draw(false);
    },
    end() {
      draw(true);
      if (isTerminal && pending > 0) write("\n");
    },
  };
}

/** The same on this process's standard error, which leaves its output to the report. */
export const showProgressOnStderr = (): ReturnType<typeof showProgress> =>
  showProgress({
    write: (text) => process.stderr.write(text),
    isTerminal: process.stderr.isTTY === true,
    now: () => performance.now(),
  });

/** Counts on this process's standard error: a bar on a terminal, a line now and then elsewhere. */
export function showCounts(): { show(counts: Counts): void; end(): void } {
  const isTerminal = process.stderr.isTTY === true;
  let drawnAt = Number.NEGATIVE_INFINITY;
  return {
    show(counts) {
      if (counts.pending === 0 || performance.now() - drawnAt < (isTerminal ? drawMs : lineMs)) return;
      drawnAt = performance.now();
      process.stderr.write(isTerminal ? `\r${progressBar(counts)}\x1b[K` : `${progressText(counts)}\n`);
    },
    end() {
      if (isTerminal && Number.isFinite(drawnAt)) process.stderr.write("\n");
    },
  };
}
