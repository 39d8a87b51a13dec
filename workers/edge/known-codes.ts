import { sha256Base64url } from "../../core/mesh/hash.ts";
import { canonicalEnrollmentCode, parseEnrollmentCode } from "../../core/tenancy/enrollment-code.ts";
import { createBoundedCache } from "./bounded-cache.ts";

/** How long a code that studio has taken is known to be one, in milliseconds. A revoked one is forgotten at its first refusal. */
const knownMs = 10 * 60_000;
/** Codes in one isolate: 43 characters each, under 1 MiB. */
const codesMax = 4096;
/** How long whoever comes with a code that somebody is just proving waits for the verdict, in milliseconds. */
export const provingMsMax = 3_000;
/** Longest pause between two looks, in milliseconds. */
const pauseMsMax = 32;

/**
 * Which enrolment codes this isolate has seen taken. Such a code is a credential: its devices are counted for the
 * code, by whoever verified it, and no longer as guesses of their address. Only a shortcut: what is forgotten is
 * proved again.
 */
export interface KnownCodes {
  /**
   * Whether a code is known. While somebody else is proving the very same one this waits for the verdict, so
   * that a school's machines that come at once with one code are one guess.
   * @returns `prove`: find out, and say so by `learn`
   */
  ask(hash: string): Promise<"known" | "prove">;
  learn(hash: string, valid: boolean): void;
}

/** @param now Unix milliseconds */
export function createKnownCodes(now: () => number): KnownCodes {
  /** Written by `learn`. */
  const known = createBoundedCache<true>(codesMax);
  /** Codes that are being proved. Written by `ask` and `learn`. */
  const proving = createBoundedCache<true>(codesMax);
  return {
    async ask(hash) {
      let waited = false;
      for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, pauseMsMax)) {
        if (known.get(hash, now()) === true) return "known";
        if (proving.get(hash, now()) === undefined) break;
        waited = true;
        // On a timer of its own: a Worker may not wait for another request's I/O.
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
      // Whoever waited in vain has seen it refused: then nobody waits for anybody, each is a guess.
      if (!waited) proving.set(hash, true, now() + provingMsMax);
      return "prove";
    },
    learn(hash, valid) {
      proving.deleteWhere((key) => key === hash);
      if (valid) known.set(hash, true, now() + knownMs);
      else known.deleteWhere((key) => key === hash);
    },
  };
}

/** The name under which a body's code is remembered; null when it holds nothing that could be one. */
export async function codeHash(body: Uint8Array | null): Promise<string | null> {
  const code = parseEnrollmentCode(readCode(body));
  return code === null ? null : await sha256Base64url(canonicalEnrollmentCode(code));
}

function readCode(body: Uint8Array | null): unknown {
  if (body === null) return null;
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(body));
    return typeof json === "object" && json !== null && "code" in json ? json.code : null;
  } catch {
    return null;
  }
}
