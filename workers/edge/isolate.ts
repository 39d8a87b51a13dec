import type { OrgId, UserId } from "../../core/ids.ts";
import { type AccessKeySource, createAccessKeySource } from "../../core/mesh/keys.ts";
import { parsePace } from "../../core/pace.ts";
import { type BoundedCache, createBoundedCache } from "./bounded-cache.ts";
import { type Env, parseLimitScale } from "./env.ts";
import { createPermits, type Permits } from "./gates/permits.ts";
import { createTrafficCounter, type TrafficCounter } from "./geo-traffic.ts";
import { createKnownCodes, type KnownCodes } from "./known-codes.ts";
import { createKnownPolicies, type KnownPolicies, policyFreshMsMax } from "./policies.ts";
import { createRefusalCounter, type RefusalCounter } from "./refusals.ts";
import { parseSecurityContact, type SecurityContact } from "./security-txt.ts";
import { createUpgrades, type Upgrades } from "./upgrades.ts";
import { createWafRecorder, type WafRecorder } from "./waf-records.ts";

/** A session that was exchanged, by the hash of its secret and the organisation. */
export interface CachedSession {
  readonly accessToken: string;
  readonly user: UserId;
  readonly org: OrgId | null;
  /** The key that signed the token. */
  readonly kid: string;
  readonly expiresAtMs: number;
}

/** Sessions in one isolate: about 1.5 KiB each, so some 6 MiB of its 128. */
const sessionEntriesMax = 4096;
/** Credentials that are counted by themselves: 43 characters each, under 1 MiB. */
const verifiedEntriesMax = 8192;

/** What one isolate keeps between requests. All of it may vanish at any moment and is only ever a shortcut. */
export interface Isolate {
  readonly limitScale: number;
  /** How many times as often counts are reported. */
  readonly pace: number;
  readonly securityContact: SecurityContact | null;
  readonly policies: KnownPolicies;
  readonly sessions: BoundedCache<CachedSession>;
  /** Hashes of credentials that this isolate has seen verified. */
  readonly verifiedCredentials: BoundedCache<true>;
  readonly accessKeys: AccessKeySource;
  readonly refusals: RefusalCounter;
  readonly traffic: TrafficCounter;
  readonly wafRecords: WafRecorder;
  /** Who is on the way to a hub. */
  readonly upgrades: Upgrades;
  /** Requests that were counted ahead and not asked for yet. */
  readonly permits: Permits;
  /** Enrolment codes that this isolate has seen taken. */
  readonly codes: KnownCodes;
}

/** @throws when the configuration is broken */
export function createIsolate(env: Env, now: () => number): Isolate {
  const pace = parsePace(env.PACE);
  return {
    limitScale: parseLimitScale(env.LIMIT_SCALE),
    pace,
    securityContact: parseSecurityContact(env.SECURITY_CONTACT, env.SECURITY_EXPIRES),
    policies: createKnownPolicies(policyFreshMsMax / pace),
    sessions: createBoundedCache(sessionEntriesMax),
    verifiedCredentials: createBoundedCache(verifiedEntriesMax),
    accessKeys: createAccessKeySource(env.ISSUER, () => env.PUBLIC_KEYS.accessKeys(), now),
    refusals: createRefusalCounter(now),
    traffic: createTrafficCounter(now),
    wafRecords: createWafRecorder(now),
    upgrades: createUpgrades(),
    permits: createPermits(now),
    codes: createKnownCodes(now),
  };
}
