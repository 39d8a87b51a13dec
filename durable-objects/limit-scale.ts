import type { Env } from "./env.ts";

/**
 * What LIMIT_SCALE multiplies a device's bounds by; absent is 1.
 * @throws when it is no whole number from 1 to 1,000,000: broken limits must not serve
 */
export function limitScaleOf({ LIMIT_SCALE = "1" }: Pick<Env, "LIMIT_SCALE">): number {
  const scale = /^[1-9]\d{0,6}$/.test(LIMIT_SCALE) ? Number(LIMIT_SCALE) : Number.NaN;
  if (!(scale <= 1_000_000)) throw new Error("LIMIT_SCALE is not a whole number from 1 to 1000000");
  return scale;
}
