/** What asking came to, within how long and how much an answer may be. One of it for whatever way a question leaves by. */

/** How long a provider may take until its answer begins: long answers stream, and a request may ask two. */
export const beginMsMax = 30_000;
/** … and between two pieces of it: a model that thinks sends nothing meanwhile. */
export const idleMsMax = 30_000;
/** … and for the whole of it. */
export const wholeMsMax = 300_000;
/** Largest answer that is read, in bytes: 32 Ki tokens, each in a chunk of its own of some 250 bytes. */
export const answerBytesMax = 16 * 1024 * 1024;

export interface ProviderTimes {
  readonly beginMsMax: number;
  readonly idleMsMax: number;
  readonly wholeMsMax: number;
}

export const providerTimes: ProviderTimes = { beginMsMax, idleMsMax, wholeMsMax };

/** What asking came to. A provider's own words about a failure go nowhere: they may show a part of the key. */
export type Asked =
  | { readonly kind: "answering"; readonly isStream: boolean; readonly bytes: AsyncGenerator<Uint8Array, void> }
  /** It says that the request is wrong. */
  | { readonly kind: "refused" }
  /** It does not know the key. */
  | { readonly kind: "unauthorised" }
  /** @property mayHaveCost true when it may have done the work all the same */
  | { readonly kind: "failed"; readonly mayHaveCost: boolean };

/**
 * Sends a question, and bounds what comes back in time and in size. Never throws.
 * @param send throws where nothing answers, also when the signal ends it
 * @param isWorkDone whether a status that is no answer may stand for work that somebody is billed for
 */
export async function askWithin(
  times: ProviderTimes,
  send: (signal: AbortSignal) => Promise<Response>,
  isWorkDone: (status: number) => boolean = (status) => status < 400,
): Promise<Asked> {
  const end = new AbortController();
  const whole = setTimeout(() => end.abort(), times.wholeMsMax);
  const begin = setTimeout(() => end.abort(), times.beginMsMax);
  let response: Response;
  try {
    response = await send(end.signal);
  } catch {
    clearTimeout(whole);
    // The error may hold the address's own text. A connection that was refused cost nothing; a time-out may have.
    return { kind: "failed", mayHaveCost: end.signal.aborted };
  } finally {
    clearTimeout(begin);
  }
  if (response.status === 200) {
    const isStream = /^text\/event-stream\s*(?:;|$)/i.test(response.headers.get("Content-Type") ?? "");
    return { kind: "answering", isStream, bytes: bounded(response.body, end, whole, times.idleMsMax) };
  }
  clearTimeout(whole);
  await response.body?.cancel().catch(() => undefined);
  return meaningOf(response.status, isWorkDone(response.status));
}

function meaningOf(status: number, mayHaveCost: boolean): Asked {
  if (status === 401 || status === 403) return { kind: "unauthorised" };
  // 408, 409 and 425 are the server's state; the other 4xx are about what was sent.
  if (status >= 400 && status < 500 && ![408, 409, 425, 429].includes(status)) return { kind: "refused" };
  return { kind: "failed", mayHaveCost };
}

/** @throws when it takes too long, is too large or was cut off */
async function* bounded(
  body: ReadableStream<Uint8Array> | null,
  end: AbortController,
  whole: ReturnType<typeof setTimeout>,
  idleMs: number,
): AsyncGenerator<Uint8Array, void> {
  if (body === null) return;
  const reader = body.getReader();
  let left = answerBytesMax;
  try {
    for (;;) {
      const idle = setTimeout(() => end.abort(), idleMs);
      const { done, value } = await reader.read().finally(() => clearTimeout(idle));
      if (done) return;
      left -= value.length;
      if (left < 0) throw new RangeError("the answer is too long");
      yield value;
    }
  } finally {
    clearTimeout(whole);
    // Whoever stops reading must not leave the provider writing, at somebody's cost.
    end.abort();
    await reader.cancel().catch(() => undefined);
  }
}
