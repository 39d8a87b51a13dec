import { parseId } from "../../../core/ids.ts";
import type { DevicesRpc } from "../../../core/rpc/capabilities.ts";
import { telemetryMeans } from "../../../store/tenant/telemetry.ts";
import { instantMsMax } from "../../../store/tenant/telemetry-resolution.ts";
import type { Handler } from "./handler.ts";
import { ok, refused } from "./result.ts";

/** More buckets than a screen has pixels across serve nobody; 2,000 of 64 metrics are some 4 MiB. */
export const telemetryBucketsMax = 2_000;

export const telemetry: Handler<DevicesRpc["telemetry"]> = async (context, device, range) => {
  if (parseId("device", device) === null) return refused("not_found");
  const { fromMs, toMs, stepSeconds } = range;
  if (![fromMs, toMs, stepSeconds].every(Number.isSafeInteger)) return refused("invalid_request");
  if (fromMs < 0 || toMs > instantMsMax || fromMs >= toMs || stepSeconds < 1) return refused("invalid_request");
  if (Math.ceil((toMs - fromMs) / (stepSeconds * 1000)) > telemetryBucketsMax) return refused("invalid_request");
  const answer = await telemetryMeans(context.database, device, { fromMs, toMs, stepSeconds }, context.now());
  return answer === null ? refused("not_found") : ok(answer);
};
