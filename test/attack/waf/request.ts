import { TooComplex } from "../../../workers/edge/gates/waf/collect.ts";
import { decide, type WafDecision } from "../../../workers/edge/gates/waf/decide.ts";
import { readBody } from "../../../workers/edge/gates/waf/read-body.ts";
import { readRequestTarget } from "../../../workers/edge/request-target.ts";

/** One request of a corpus, as a client sends it. */
export interface CorpusRequest {
  /** The attack's class or the honest family. */
  readonly kind: string;
  /** What it was made from: all variants of one seed are on one side of the split. */
  readonly seed: string;
  readonly method: string;
  /** Path and query as they stand in the request line. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

/** Judges a request from its line and bytes on, as the gate does. */
export function judge({ target, headers, body }: CorpusRequest): WafDecision {
  const { rawPath, rawQuery } = readRequestTarget(`https://sentinel.example${target}`);
  const fields = new Headers(headers);
  const read = body === null ? null : readBody(new TextEncoder().encode(body), fields.get("Content-Type"));
  try {
    return decide({ rawPath, rawQuery, headers: fields, body: read, exemptions: [] });
  } catch (error) {
    if (error instanceof TooComplex) return { allowed: false, score: 0, findings: [] };
    throw error;
  }
}

/** FNV-1a, 32 bits. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  // FNV's low bits of short texts are poor: mix once more.
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return (hash ^ (hash >>> 12)) >>> 0;
}

/** Of a hundred seeds, those that no rule was tuned on. */
const heldBackPercent = 30;

/** Whether a request is held back: decided by its seed, so that a tuned rule has not seen a sister of it either. */
export const isHeldBack = ({ kind, seed }: CorpusRequest): boolean =>
  hashOf(`split:${kind}:${seed}`) % 100 < heldBackPercent;

/** A generator of numbers in [0, 1) that gives the same ones for the same seed (mulberry32). */
export function random(seed: string): () => number {
  let state = hashOf(seed);
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** One of a list. */
export const pick = <T>(next: () => number, list: readonly T[]): T => list[Math.floor(next() * list.length)] as T;

export const formType = "application/x-www-form-urlencoded";
export const browserAgent =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36";
