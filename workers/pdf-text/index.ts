/**
 * pdf-text: reads the text of PDFs, and does nothing else. A parser of PDFs is megabytes of code that are fed by
 * strangers; here it finds no key, no database, no bucket and no way out.
 */
import { WorkerEntrypoint } from "cloudflare:workers";
import { readPdf } from "./read.ts";
import { serve, type Turn } from "./serve.ts";
import { takeAway } from "./take-away.ts";

// Before the parser, which begins with the first PDF.
takeAway();

/** An isolate reads one at a time. */
const turn: Turn = { sinceMs: null };
const platform = {
  now: (): number => Date.now(),
  pause: (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms)),
};
const ignore = (): void => undefined;

/** Private binding of capabilities. */
export class PdfText extends WorkerEntrypoint {
  override async fetch(request: Request): Promise<Response> {
    const answering = serve(request, turn, readPdf, platform);
    // Goes on when the caller has gone away, so that it gives its turn back.
    this.ctx.waitUntil(answering.then(ignore, ignore));
    return answering;
  }
}

/** Whoever comes without the entrypoint's name finds nothing. */
export default {
  fetch: (): Response => new Response(null, { status: 404 }),
} satisfies ExportedHandler;
