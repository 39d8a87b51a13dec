/**
 * The ways out of the isolate, taken out of it before the first PDF is read. PDFium sees none of them anyhow; this is for
 * the day when the few lines around it hold a mistake. wrangler.toml has no word for "no network", so this is how it is
 * said; there is no secret here that could be sent, and `eval` is shut by the runtime.
 */
const taken = [
  "fetch",
  "WebSocket",
  "WebSocketPair",
  "EventSource",
  "caches",
  "Cache",
  "CacheStorage",
  "Worker",
  "SharedWorker",
  "CompressionStream",
  "WebAssembly",
] as const;

/** Takes it all away, once. @throws TypeError when something can't be */
export function takeAway(scope: object = globalThis): void {
  for (const name of taken) {
    if (!(name in scope)) continue;
    Object.defineProperty(scope, name, { value: undefined, writable: false, configurable: false });
  }
}
