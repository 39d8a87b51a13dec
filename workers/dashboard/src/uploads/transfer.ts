/** One upload from its first missing part to its last. */
import type { Upload } from "../api/documents.ts";
import { ApiProblem } from "../api/problem.ts";

/** In a row without a part getting through: with the waits between them some two minutes. */
const attemptsMax = 8;
const waitMsMax = 30_000;

export interface TransferSteps {
  /** Sends one part. @throws ApiProblem, or what an abort throws */
  send(part: number, bytes: Blob, signal: AbortSignal, onSent: (bytes: number) => void): Promise<void>;
  /** Waits. @throws when the signal says so */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

/** Plain bytes of one part. */
const partRange = ({ part_bytes: bytes, size_bytes: size }: Upload, part: number): readonly [number, number] => [
  (part - 1) * bytes,
  Math.min(part * bytes, size),
];

/** Bytes of the parts that have arrived. */
export function bytesHere(upload: Upload): number {
  return upload.parts.reduce((sum, part) => {
    const [from, to] = partRange(upload, part);
    return sum + to - from;
  }, 0);
}

/**
 * Sends every part that is missing, one after the other; each again while what keeps it is likely to pass.
 * @param onSent bytes of the whole that have arrived or left
 * @throws ApiProblem of the part that did not get through; what an abort throws
 */
export async function sendMissing(
  file: Blob,
  upload: Upload,
  steps: TransferSteps,
  { signal, onSent }: { readonly signal: AbortSignal; readonly onSent: (bytes: number) => void },
): Promise<void> {
  const arrived = new Set(upload.parts);
  let done = bytesHere(upload);
  onSent(done);
  for (let part = 1; part <= upload.part_count; part += 1) {
    if (arrived.has(part)) continue;
    const [from, to] = partRange(upload, part);
    for (let attempt = 1; ; attempt += 1) {
      try {
        await steps.send(part, file.slice(from, to), signal, (sent) => onSent(done + sent));
        break;
      } catch (error) {
        const waitMs = waitAfter(error, attempt);
        if (signal.aborted || waitMs === null) throw error;
        onSent(done);
        await steps.wait(waitMs, signal);
      }
    }
    done += to - from;
    onSent(done);
  }
}

/** How long to wait before the next attempt; null: it would be refused again, or it was tried often enough. */
export function waitAfter(error: unknown, attempt: number): number | null {
  if (!(error instanceof ApiProblem) || attempt >= attemptsMax) return null;
  const { status, retryAfterSeconds } = error.fields;
  if (status !== 0 && status !== 429 && status < 502) return null;
  const asked = retryAfterSeconds === null ? 0 : retryAfterSeconds * 1000;
  return Math.max(asked, Math.min(waitMsMax, 500 * 2 ** attempt));
}
