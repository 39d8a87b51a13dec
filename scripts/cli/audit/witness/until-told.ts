/** A signal that is given when the process is told to stop, by its supervisor or by a key. */
export function untilTold(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  return stop.signal;
}
