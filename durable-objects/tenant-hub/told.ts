import type { HubStanding } from "../../core/rpc/durable-objects.ts";
import type { GeoPolicy } from "../../core/tenancy/geo-policy.ts";
import type { LimitsPolicy } from "../../core/tenancy/limits-policy.ts";

/** A geo policy as studio told it. */
export interface ToldGeo {
  readonly version: number;
  readonly policy: GeoPolicy;
}

/** Limits as studio told them. */
export interface ToldLimits {
  readonly version: number;
  readonly limits: LimitsPolicy;
}

/** All that studio tells the hubs of an organisation. Null: nothing was told yet, and what nobody set holds. */
export interface Told {
  readonly standing: HubStanding | null;
  readonly geo: ToldGeo | null;
  readonly limits: ToldLimits | null;
}
