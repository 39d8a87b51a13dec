import * as z from "zod/mini";
import type { Door } from "../../api/sign-in.ts";

/**
 * What this tab must know when a provider sends it back: by which door it left, and for which page. Neither
 * is a secret; the sign-in itself hangs on a cookie that no script can read.
 */
export interface Departure {
  readonly door: Door;
  readonly returnTo: string;
}

const storageKey = "sentinel.departure";
const departureSchema = z.object({ door: z.nullable(z.string()), returnTo: z.string() });

export function rememberDeparture(departure: Departure): void {
  try {
    sessionStorage.setItem(storageKey, JSON.stringify(departure));
  } catch {
    // Storage is closed to us: then the way back leads to the platform's door and the first page.
  }
}

export function readDeparture(): Departure {
  const nowhere: Departure = { door: null, returnTo: "/" };
  try {
    const parsed = departureSchema.safeParse(JSON.parse(sessionStorage.getItem(storageKey) ?? "null"));
    return parsed.success ? parsed.data : nowhere;
  } catch {
    return nowhere;
  }
}
