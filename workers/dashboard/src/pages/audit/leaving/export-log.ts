import { type ExportFormat, exportPart } from "../../../api/audit-stream.ts";
import { isProblem } from "../../../api/problem.ts";

type Part = Awaited<ReturnType<typeof exportPart>>;

/** A part that did not come is asked for again so often: parts are the same however often they are read. */
const triesMax = 4;
/** Before a part is asked for again, in milliseconds, times the tries so far. */
const againMs = 1000;

export interface Exported {
  readonly parts: readonly string[];
  readonly total: number;
}

/**
 * Reads an export from its first part to its last. The first is not asked for again: each would be an export on record.
 * @throws ApiProblem, or the signal's reason
 */
export async function exportLog(
  org: string,
  format: ExportFormat,
  signal: AbortSignal,
  onProgress: (done: number, total: number) => void,
  read: typeof exportPart = exportPart,
): Promise<Exported> {
  const parts: string[] = [];
  for (let cursor: string | null = null; ; ) {
    const from: string | null = cursor;
    const part: Part = await readPart(() => read(org, format, from, signal), from, signal);
    const { text, done, total, next_cursor } = part;
    parts.push(text);
    onProgress(done, total);
    if (next_cursor === null) return { parts, total };
    cursor = next_cursor;
  }
}

async function readPart<T>(read: () => Promise<T>, cursor: string | null, signal: AbortSignal): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    signal.throwIfAborted();
    try {
      return await read();
    } catch (error) {
      const isFinal = cursor === null || tries >= triesMax || isProblem(error, "invalid_cursor");
      if (signal.aborted || isFinal) throw error;
      await new Promise((resolve) => setTimeout(resolve, againMs * tries));
    }
  }
}
