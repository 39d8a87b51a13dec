/** What a backup or restore shows while it lasts: a line that is written anew on a terminal, one now and then elsewhere. */

const mebibyte = 1024 * 1024;
const drawMs = 100;
const lineMs = 5_000;

export interface ByteProgress {
  /** Bytes of rows so far, before compression. */
  update(bytes: number, stream: string): void;
  /** The last word, in any case. */
  end(): void;
}

/** One line. Pure. @param total 0 when nobody knows */
export function byteProgressText(
  what: string,
  bytes: number,
  total: number,
  elapsedMs: number,
  stream: string,
): string {
  const perSecond = elapsedMs === 0 ? 0 : (bytes * 1000) / elapsedMs / mebibyte;
  // The disk's size of a table is not that of its rows as text, so it never says that it is done before it is.
  const share = total === 0 ? "" : ` ${Math.min(99, Math.floor((bytes * 100) / total))} %`;
  return `${what}${share} ${(bytes / mebibyte).toFixed(1)} MiB, ${perSecond.toFixed(1)} MiB/s ${stream}`.trimEnd();
}

/** Progress on this process's standard error. */
export function showBytes(what: string, total = 0): ByteProgress {
  const isTerminal = process.stderr.isTTY === true;
  const startedAt = performance.now();
  let [drawnAt, bytes, stream] = [startedAt, 0, ""];
  const draw = (ending: boolean): void => {
    drawnAt = performance.now();
    const text = byteProgressText(what, bytes, ending ? 0 : total, drawnAt - startedAt, ending ? "" : stream);
    process.stderr.write(isTerminal ? `\r${text}\x1b[K${ending ? "\n" : ""}` : `${text}\n`);
  };
  return {
    update(now, name) {
      [bytes, stream] = [now, name];
      if (performance.now() - drawnAt >= (isTerminal ? drawMs : lineMs)) draw(false);
    },
    end: () => draw(true),
  };
}
