import { createHash } from "node:crypto";
import type { OrgId, UserId } from "../../../core/ids.ts";
import type { RefusedDevices } from "../../../core/rpc/durable-objects.ts";
import {
  type GeoFacts,
  type GeoPolicy,
  type GeoSurfaces,
  judgeGeo,
  mayTravel,
  type Surface,
} from "../../../core/tenancy/geo-policy.ts";
import { type ActiveSession, type PolicyAndActivity, policyAndActivity } from "../../../store/control/geo-activity.ts";
import { fromPart } from "../downstream.ts";
import type { MemberContext } from "../pipeline/request-context.ts";

/** Who was here within it is asked about, in milliseconds. */
const activeWithinMs = 7 * 24 * 3600_000;
/** Sessions named in one answer; the rest are counted. */
const namedMax = 100;

/** Whom a policy would shut out that the one in force lets in. */
export interface Lockout {
  /** The one who asks, from where they are now. */
  readonly caller: boolean;
  readonly sessions: readonly ActiveSession[];
  readonly devices: RefusedDevices;
}

/** What a change is compared with: the policy in force, and who was here in the last seven days. */
export function beforeChange({ services, scope }: MemberContext): Promise<PolicyAndActivity | null> {
  return policyAndActivity(services.database, scope, services.now() - activeWithinMs);
}

/**
 * Compares two policies on everybody of the last seven days.
 * @param active what {@link beforeChange} read
 * @throws Unavailable when the hub does not answer
 */
export async function lockoutOf(
  context: MemberContext,
  active: readonly ActiveSession[],
  before: GeoPolicy,
  after: GeoPolicy,
): Promise<Lockout> {
  const { services, membership, person, geo } = context;
  const nowMs = services.now();
  const devices = await fromPart("hub", async () =>
    services.hub.geoRefused(await context.asUser("durable-objects.hub-control"), membership.org, before, after),
  );
  const sessions = active.filter(({ session, user, surface, facts }) => {
    // Their own is `caller`: this very request may note it, and the list would change under who confirms it.
    if (session === person.session) return false;
    return lets(before, user, surface, facts, nowMs) && !lets(after, user, surface, facts, nowMs);
  });
  // Whoever can't be placed can't be promised anything.
  const caller = geo === null || !lets(after, person.user, geo.surface ?? "dashboard", geo.facts, nowMs);
  return { caller, sessions, devices };
}

function lets(policy: GeoPolicy, user: UserId, surface: Surface, facts: GeoFacts, nowMs: number): boolean {
  const standing = judgeGeo(policy, surface, facts, nowMs);
  return standing === "admitted" || (standing === "person_only" && mayTravel(policy, user, facts.country, nowMs));
}

export function isEmpty({ caller, sessions, devices }: Lockout): boolean {
  return !caller && sessions.length === 0 && devices.total === 0;
}

/**
 * What whoever has read the list sends back: a hash of it, of the rules and of the version that they would replace.
 * When anything of it has changed since, it is asked again. It is no secret; it says that somebody asked before.
 */
export function confirmationOf(org: OrgId, version: string, rules: GeoSurfaces, lockout: Lockout): string {
  const whom = [
    lockout.caller,
    lockout.sessions.map(({ session, surface }) => [session, surface]).toSorted(),
    [lockout.devices.total, lockout.devices.devices.map(({ device }) => device).toSorted()],
  ];
  return createHash("sha256")
    .update(JSON.stringify([org, version, rules, whom]))
    .digest("hex");
}

/** The list as people read it: by country, then by name. */
export function lockoutView({ caller, sessions, devices }: Lockout) {
  const countries = new Map<string, { sessions: number; devices: number }>();
  const add = (country: string, what: "sessions" | "devices", count: number): void => {
    const known = countries.get(country) ?? { sessions: 0, devices: 0 };
    countries.set(country, { ...known, [what]: known[what] + count });
  };
  for (const { facts } of sessions) add(facts.country ?? "XX", "sessions", 1);
  for (const [country, count] of Object.entries(devices.byCountry)) add(country, "devices", count);
  return {
    caller,
    sessions_total: sessions.length,
    devices_total: devices.total,
    by_country: [...countries].map(([country, counts]) => ({ country, ...counts })).toSorted(mostFirst),
    sessions: sessions.slice(0, namedMax).map(({ session, user, name, surface, facts, seenAt }) => ({
      session_id: session,
      user_id: user,
      name,
      surface,
      country: facts.country ?? "XX",
      asn: facts.asn,
      seen_at: seenAt,
    })),
    devices: devices.devices.map(({ device, country, asn, seenMs }) => ({
      device_id: device,
      country,
      asn,
      seen_at: new Date(seenMs).toISOString(),
    })),
  };
}

type Counts = { readonly sessions: number; readonly devices: number };
const mostFirst = (one: Counts, other: Counts): number => other.sessions + other.devices - (one.sessions + one.devices);
