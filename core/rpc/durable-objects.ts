/**
 * What each entrypoint of the durable-objects Worker offers, and to whom. Every method that takes
 * a `SignedCall` verifies it before anything else and throws `CallRefused` when it does not hold.
 */
import type { JWK } from "jose";
import type { Activity, ActivityQuery } from "../audit/activity.ts";
import type { AuditEntry, AuditFields, AuditResult, AuditType } from "../audit/events.ts";
import type { AuditOutcome } from "../audit/facets.ts";
import type { DeviceId, EnrollmentCodeId, GroupId, OrgId, UserId } from "../ids.ts";
import type { AccessClaims, SignedCall } from "../mesh/claims.ts";
import type { GeoPolicy } from "../tenancy/geo-policy.ts";
import type { TrafficOrigin } from "../tenancy/geo-traffic.ts";
import type { OrgState } from "../tenancy/org-state.ts";
import type { Plan } from "../tenancy/plan.ts";
import type { Role } from "../tenancy/roles.ts";
import type { WafRecord } from "../tenancy/waf-record.ts";
import type { LogKey } from "./audit-proofs.ts";

/** For the edge. `fetch` takes a WebSocket upgrade for `/mqtt/{org}`; see `gatewayHeaders`. */
export const gatewayHeaders = {
  /** The organisation's id, set by the edge after its policy was judged. */
  org: "X-Sentinel-Org",
  requestId: "X-Sentinel-Request-Id",
  /** When the edge took the upgrade, Unix milliseconds: one that has waited for long shows that the hub is behind. */
  arrived: "X-Sentinel-Arrived",
  /** What the geo gate saw and how it judged it (core/tenancy/geo-seen.ts). */
  geo: "X-Sentinel-Geo",
  /** `Authorization: Bearer` carries a device token or an access JWT (cookie exchanged), or is absent. */
  authorization: "Authorization",
} as const;

/** One bound: at most `limit` requests in any `windowMs`, wherever it begins. */
export interface RatePolicy {
  /** What is counted; policies of one client are counted apart. */
  readonly policy: string;
  readonly limit: number;
  readonly windowMs: number;
}

/** For the edge: exact counting. A client is a text of at most 256 characters that names who is counted. */
export interface LimitsRpc {
  /**
   * Counts one request of `client` under every policy, or, when one of them has no room, under none: a
   * refused request costs nothing, so hammering on a closed door closes no other.
   * @param policies 1 to 4
   */
  consume(client: string, policies: readonly RatePolicy[]): Promise<RateVerdict>;
  /**
   * Counts up to `permits` requests of `client` at once, fewer when the window has less room. A permit
   * counts from now on, used or not: it stays exact as long as whoever uses it within `t` ms asks with a
   * `windowMs` that is `t` longer.
   * @param permits 1 to 256
   */
  lease(client: string, policy: RatePolicy, permits: number): Promise<RateLease>;
  /**
   * Takes one of the window's places before it is known whether the request counts. `settle` gives the place
   * back or leaves it taken; a place that nobody settles stays taken, so a crash counts as a miss.
   */
  attempt(client: string, policy: RatePolicy): Promise<RateAttempt>;
  /** Repeating it, or settling what has left the window, changes nothing. */
  settle(client: string, policy: RatePolicy, attempt: string, missed: boolean): Promise<void>;
}
export interface RateVerdict {
  readonly allowed: boolean;
  /** Of each policy, in the order asked. */
  readonly decisions: readonly RateDecision[];
}
export interface RateLease {
  /** How many were counted. 0: refused. */
  readonly granted: number;
  /** Of the window with all of them counted. */
  readonly decision: RateDecision;
}
export interface RateAttempt {
  /** Names the place; null when there was none. */
  readonly attempt: string | null;
  readonly decision: RateDecision;
}
export interface RateDecision {
  readonly allowed: boolean;
  readonly limit: number;
  readonly remaining: number;
  /** Seconds until one more request is allowed (refused) or the window is empty (allowed), ≥ 1. */
  readonly resetSeconds: number;
}

/** For capabilities: how many devices enrol with one code. It can count nothing else. */
export interface EnrollmentLimitsRpc {
  /** @param perMinute what the code allows now, 1 to {@link rateLimitMax} */
  consume(code: EnrollmentCodeId, perMinute: number): Promise<RateDecision>;
}

/** For the edge: refusals, counted there and folded here into `edge_refusals` events. */
export interface EdgeEventsRpc {
  report(refusals: readonly EdgeRefusals[]): Promise<void>;
  /** Requests to organisations, counted by where they came from: what a geo policy is tried on. */
  traffic(rows: readonly EdgeTraffic[]): Promise<void>;
  /** Requests to organisations as the firewall judged them, folded: what a policy of it is tried on. */
  waf(rows: readonly EdgeWafRecord[]): Promise<void>;
}
/** Requests to one organisation that were alike. */
export interface EdgeWafRecord {
  readonly org: OrgId;
  readonly record: WafRecord;
  readonly count: number;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
}
/** Records of alike requests of one day. */
export interface KeptWafRecord extends Omit<EdgeWafRecord, "org"> {
  /** Names it among those of its organisation. */
  readonly id: string;
}
/** Requests of one origin to one surface of one organisation. */
export interface EdgeTraffic extends TrafficOrigin {
  readonly org: OrgId;
  readonly count: number;
}
export interface EdgeRefusals {
  readonly org: OrgId | null;
  readonly gate: string;
  readonly code: string;
  readonly country: string;
  readonly count: number;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
}

/** For edge, studio and capabilities: public keys only. */
export interface PublicKeysRpc {
  /** Keys of access tokens, newest first (also served as `/.well-known/jwks.json`). */
  accessKeys(): Promise<{ keys: JWK[] }>;
  /** Keys that sign isolate certificates. */
  meshRoots(): Promise<{ keys: JWK[] }>;
  /** Keys of audit logs' checkpoints, newest first (also served as `/.well-known/sentinel-log-key`). */
  logKeys(): Promise<{ keys: LogKey[] }>;
}

/** For studio alone (job `sign_tokens`). */
export interface TokenSignerRpc {
  /** Signs an access token of one hour. */
  signAccessToken(
    call: SignedCall,
    claims: Pick<AccessClaims, "sub" | "org" | "role" | "sid">,
  ): Promise<{ token: string; expiresAtMs: number }>;
}

/** What a signing key signs: `access` people's tokens, `mesh` isolates' certificates. */
export const keyPurposes = ["access", "mesh"] as const;
export type KeyPurpose = (typeof keyPurposes)[number];
/** What an operator may rotate; the key of audit logs' checkpoints only by its name, for auditors must hear of it. */
export const rotatedPurposes = [...keyPurposes, "audit_log"] as const;
export type RotatedPurpose = (typeof rotatedPurposes)[number];

/** For studio alone (job `rotate_keys`). */
export interface KeyRotationRpc {
  /**
   * Revokes every key of one purpose and makes, publishes and signs with a new one at once. What the old
   * ones signed is refused everywhere within the bound that `keySetFreshMs` sets. Of `audit_log` only the private
   * half is destroyed: what it signed stays signed.
   */
  rotate(call: SignedCall, purpose: RotatedPurpose): Promise<RotatedKeys>;
}
export interface RotatedKeys {
  /** RFC 7638 thumbprint of the key that signs from now on. */
  readonly kid: string;
  /** … of those that were revoked. */
  readonly revoked: readonly string[];
}

/**
 * One entrypoint class per workload (`CertifyStudio`, `CertifyCapabilities`): which binding a
 * Worker holds says who it is, so a Worker can't ask for another's certificate.
 */
export interface CertifierRpc {
  /** @param publicKey raw Ed25519 public key, base64url. Returns the certificate JWT. */
  certify(publicKey: string): Promise<{ certificate: string; expiresAtMs: number }>;
}

/** For studio and capabilities. Throws when the entry could not be made durable: fail closed. */
export interface AuditIntakeRpc {
  /**
   * One or more single events; durable when it returns. `log` null: a platform log. A failure that repeats one of the
   * last minute is counted, and its number is that of the first.
   */
  append(call: SignedCall, log: OrgId | null, events: readonly AuditFields[]): Promise<Appended>;
  /** Before work. `log` null: a platform log. */
  intent(call: SignedCall, log: OrgId | null, event: AuditFields): Promise<IntentHandle>;
  /** After work, before the answer; `alongside` are single events that the work caused (role_change). */
  outcome(
    call: SignedCall,
    intent: IntentHandle,
    event: AuditFields,
    alongside?: readonly AuditFields[],
  ): Promise<Omit<Appended, "seqs"> & { seq: number }>;
  /**
   * By an owner: destroys the key of everything that names a person in the organisation's log, which says so in an
   * entry that names the person to nobody. `known` false: it names no such person, and says nothing. By the job
   * `erase_subject`, of no organisation: in every log of the platform, which say so whether they name the person or not.
   */
  erase(call: SignedCall, user: UserId): Promise<{ known: boolean }>;
}
/** What came of an append. */
export interface Appended {
  readonly seqs: number[];
  /** Alerts that the log wrote behind it; absent from a log of the release before. */
  readonly alerts?: number;
}
/** Names an open intent; only the request that made it can close it. */
export interface IntentHandle {
  readonly log: string;
  readonly seq: number;
}

/** Alerts of one answer of `alerts`: what a mail names. */
export const alertsTellMax = 20;

/** Entries of one answer of `following`. */
export const followingMax = 100;

/** For studio: reading one organisation's log. */
export interface AuditReaderRpc {
  /** A page that looked at all it may has fewer items than asked for, or none, and says where to go on. */
  list(call: SignedCall, filter: AuditFilter): Promise<{ items: AuditEntry[]; nextBeforeSeq: number | null }>;
  /**
   * By the job `audit_stream`: entries after one, oldest first and without a gap, as readers see them; none when there
   * is none yet.
   * @param limit 1 to {@link followingMax}
   */
  following(call: SignedCall, afterSeq: number, limit: number): Promise<AuditEntry[]>;
  /** By the job `audit_stream`: the newest alerts after an entry, newest first, {@link alertsTellMax} at most. */
  alerts(call: SignedCall, afterSeq: number): Promise<AuditEntry[]>;
  /** How many events of which type came to what. */
  activity(call: SignedCall, query: ActivityQuery): Promise<Activity>;
  /** Where requests came from, and how many they were. @param days today (UTC) and those before it, 1 to 30; absent: 30 */
  traffic(call: SignedCall, days?: number): Promise<(TrafficOrigin & { readonly count: number })[]>;
  /** What the firewall made of the requests of the last seven days, what it refused first, newest first. */
  waf(call: SignedCall): Promise<KeptWafRecord[]>;
}
export interface AuditFilter {
  readonly type: AuditType | null;
  /** A user id, matched against user_id and admin_id. */
  readonly actor: string | null;
  /** The next five may be absent, as from a studio of the release before. Target: a user or a device. */
  readonly target?: string | null;
  readonly document?: string | null;
  /** As it was written down, letter for letter. */
  readonly address?: string | null;
  readonly country?: string | null;
  readonly outcome?: AuditOutcome | null;
  readonly fromMs: number | null;
  readonly toMs: number | null;
  /** Newest first, below this sequence number; null for the newest page. */
  readonly beforeSeq: number | null;
  readonly limit: number;
}

/** Sessions that one call ends: a row each in one turn of the hub, some 16 KiB of argument. */
export const endedSessionsMax = 500;

/** What a hub must know of its organisation as a whole. */
export interface HubStanding {
  readonly state: OrgState;
  /** What it may have: the hub holds it to its messages a day. */
  readonly plan: Plan;
  /** Rises with each change: an older one than the hub has changes nothing, whoever's call comes last. */
  readonly version: number;
}

/** For studio alone (job `lifecycle`): the organisation as a whole. Both methods are idempotent. */
export interface HubLifecycleRpc {
  /**
   * Shuts or opens the organisation. While it is shut, its sockets are closed before this returns and no other
   * is taken; nothing that is stored is lost, and what was acknowledged goes on to Postgres.
   */
  setStanding(call: SignedCall, org: OrgId, standing: HubStanding): Promise<void>;
  /** Deletes all that every hub object of the organisation stores, with alarms and sockets. For good. */
  erase(call: SignedCall, org: OrgId): Promise<void>;
}

/** For studio and capabilities: what the tenant's hub must know and do. All methods are idempotent. */
export interface HubControlRpc {
  /** Makes a device known (or replaces its token): from now on it may connect. `tokenSha256` is lower-case hex. */
  putDevice(call: SignedCall, org: OrgId, device: DeviceId, tokenSha256: string): Promise<void>;
  /** Forgets a device, ends its sessions and closes its sockets before returning. */
  removeDevice(call: SignedCall, org: OrgId, device: DeviceId): Promise<void>;
  /** Sets a member's role, null to remove; sockets whose rights shrank are closed before it returns. */
  putMember(call: SignedCall, org: OrgId, user: UserId, role: Role | null): Promise<void>;
  /**
   * Makes an API key the MQTT password of its service user, who must be a member already. `sha256` is lower-case
   * hex, `sid` the key's session. Removing the member removes it.
   */
  putKey(
    call: SignedCall,
    org: OrgId,
    user: UserId,
    key: { readonly sha256: string; readonly sid: string; readonly expiresAtMs: number },
  ): Promise<void>;
  /** Replaces one group's devices and members (what analysts and viewers may read). Empty lists remove it. */
  putGroup(
    call: SignedCall,
    org: OrgId,
    group: GroupId,
    content: { readonly devices: readonly DeviceId[]; readonly members: readonly UserId[] },
  ): Promise<void>;
  /** Ends the sockets of login sessions; their tokens open nothing any more. @param sids at most {@link endedSessionsMax} */
  endSessions(call: SignedCall, org: OrgId, sids: readonly string[]): Promise<void>;
  /** Publishes a command to `…/devices/{device}/commands` (QoS 1), queued while the device is away. */
  publishCommand(call: SignedCall, org: OrgId, device: DeviceId, payload: string): Promise<void>;
  /** Connected or not, and since when (RFC 3339). Devices never seen are absent. */
  presence(
    call: SignedCall,
    org: OrgId,
    devices: readonly DeviceId[],
  ): Promise<{ readonly device: DeviceId; readonly online: boolean; readonly since: string }[]>;
}

/** For studio: what the tenant's hub must know of the geo policy, and what it alone knows of devices. */
export interface HubGeoRpc {
  /**
   * Replaces the policy by which connections and open sockets are judged; sockets that it refuses are closed before
   * it returns. An older version than the one that is known does nothing. An owner, an admin, or the job `provision`.
   */
  putGeo(call: SignedCall, org: OrgId, policy: GeoPolicy, version: number): Promise<void>;
  /** Devices of the last 7 days that `before` takes and `after` does not. */
  geoRefused(call: SignedCall, org: OrgId, before: GeoPolicy, after: GeoPolicy): Promise<RefusedDevices>;
}
/** For studio: what is counted where it arrives. */
export interface HubUsageRpc {
  /** Records that the organisation's devices made today (UTC). An owner, an admin or a readonly member, or the job `tend_billing`. */
  messagesToday(call: SignedCall, org: OrgId): Promise<MessagesToday>;
}
export interface MessagesToday {
  readonly used: number;
  /** When they count from nothing again, Unix milliseconds. */
  readonly resetAtMs: number;
}

/** Devices named in one answer; the rest are counted. */
export const refusedDevicesNamedMax = 100;
export interface RefusedDevices {
  readonly total: number;
  readonly byCountry: Readonly<Record<string, number>>;
  /** At most {@link refusedDevicesNamedMax}. */
  readonly devices: readonly {
    readonly device: DeviceId;
    readonly country: string;
    readonly asn: number | null;
    /** Unix milliseconds. */
    readonly seenMs: number;
  }[];
}

export type { AuditResult };
