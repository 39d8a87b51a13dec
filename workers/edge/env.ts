import type { EdgeEventsRpc, LimitsRpc, PublicKeysRpc } from "../../core/rpc/durable-objects.ts";
import type { SessionExchangeRpc } from "../../core/rpc/studio.ts";

/** The bindings of wrangler.toml. None of them opens anything by itself: the edge holds nothing secret. */
export interface Env {
  /** Multiplies every exact limit; plain configuration for load tests. */
  readonly LIMIT_SCALE: string;
  /** How many times as often policies are read and counts reported (core/pace.ts); absent is 1. */
  readonly PACE?: string;
  /** Whose access tokens these are; every unit has the same. */
  readonly ISSUER: string;
  /** Who takes reports of vulnerabilities, and until when (security-txt.ts); both or neither. */
  readonly SECURITY_CONTACT?: string;
  readonly SECURITY_EXPIRES?: string;
  readonly ASSETS: Pick<Fetcher, "fetch">;
  readonly POLICIES: Pick<KVNamespace, "get">;
  readonly STUDIO: Pick<Fetcher, "fetch">;
  readonly SESSIONS: SessionExchangeRpc;
  readonly DEVICE_GATEWAY: Pick<Fetcher, "fetch">;
  readonly LIMITS: LimitsRpc;
  readonly EDGE_EVENTS: EdgeEventsRpc;
  readonly PUBLIC_KEYS: PublicKeysRpc;
  readonly FLOOD: RateLimit;
}

/** Load tests go to 1,000; anything above this is a mistake, not a limit. */
const limitScaleMax = 1_000_000;

/**
 * Parses LIMIT_SCALE.
 * @throws RangeError when it is no number in 1 … 1,000,000: a Worker with broken limits must not serve
 */
export function parseLimitScale(text: unknown): number {
  const scale = typeof text === "string" && /^\d{1,7}(?:\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (!(scale >= 1 && scale <= limitScaleMax)) throw new RangeError("LIMIT_SCALE must be a number from 1 to 1000000");
  return scale;
}
