import type { GeoFacts, GeoStanding, Surface } from "../../../core/tenancy/geo-policy.ts";
import type { OrgPolicy } from "../../../core/tenancy/policy.ts";

/** What the geo gate found out; `judgedByPerson` (geo-person.ts) finishes it where only certain people may pass. */
export interface GeoJudged {
  readonly facts: GeoFacts;
  /** Null: an MQTT upgrade whose credential comes in CONNECT. */
  readonly surface: Surface | null;
  /** How the surfaces that the request may be for were judged; empty on a route that takes requests from anywhere. */
  readonly standings: Readonly<Partial<Record<Surface, GeoStanding>>>;
  /** `person_only`: refused unless the credential turns out to be of somebody who may pass. */
  readonly standing: Exclude<GeoStanding, "refused">;
  /** The organisation that a request of one's own is judged by instead of the platform; its member must have made it. */
  readonly claimed: OrgPolicy | null;
}
