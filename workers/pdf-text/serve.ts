import { readBounded } from "../../core/read-bounded.ts";
import { type PdfTextAnswer, pdfReadBytesMax, pdfTextPath } from "../../core/rpc/pdf-text.ts";

/** Between two looks at whose turn it is, and how long one waits for it, in milliseconds. */
const pauseMs = 10;
const waitMsMax = 10_000;
/** A turn that is older has died without saying so: longer than the caller and the CPU limit wait. */
const turnMsMax = 30_000;

/** One PDF at a time: two would share the isolate's memory. */
export interface Turn {
  /** Written by `serve` alone. Unix milliseconds at which the one that is read began; null: none is. */
  sinceMs: number | null;
}

export interface Platform {
  readonly now: () => number;
  readonly pause: (ms: number) => Promise<void>;
}

/** Answers one request. Nothing of it is ever logged. */
export async function serve(
  request: Request,
  turn: Turn,
  read: (bytes: Uint8Array, platform: Platform) => Promise<PdfTextAnswer>,
  platform: Platform,
): Promise<Response> {
  if (request.method !== "POST" || new URL(request.url).pathname !== pdfTextPath)
    return new Response(null, { status: 404 });
  const { now, pause } = platform;
  const untilMs = now() + waitMsMax;
  while (turn.sinceMs !== null && now() < turn.sinceMs + turnMsMax) {
    if (now() >= untilMs) return new Response(null, { status: 503 });
    await pause(pauseMs);
  }
  const sinceMs = now();
  turn.sinceMs = sinceMs;
  try {
    const bytes = await readBounded(request.body, pdfReadBytesMax);
    return bytes === null ? new Response(null, { status: 413 }) : Response.json(await read(bytes, platform));
  } finally {
    if (turn.sinceMs === sinceMs) turn.sinceMs = null;
  }
}
