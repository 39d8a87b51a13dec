import { env, exports } from "cloudflare:workers";
import { vi } from "vitest";
import type { AuditFields } from "../../../core/audit/events.ts";
import { makeId, type OrgId, type RequestId, type SessionId, type UserId } from "../../../core/ids.ts";
import { type Caller, createCaller } from "../../../core/mesh/caller.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import { createKeySource } from "../../../core/mesh/keys.ts";
import type { Workload } from "../../../core/mesh/workloads.ts";
import type { AuditProofsRpc } from "../../../core/rpc/audit-proofs.ts";
import type { BackendCircuitsRpc } from "../../../core/rpc/backends.ts";
import type {
  AuditIntakeRpc,
  AuditReaderRpc,
  CertifierRpc,
  EdgeEventsRpc,
  EnrollmentLimitsRpc,
  KeyRotationRpc,
  LimitsRpc,
  PublicKeysRpc,
  TokenSignerRpc,
} from "../../../core/rpc/durable-objects.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
import type { Env } from "../../../durable-objects/env.ts";

export const objects = env as unknown as Env;

/** The entrypoints as their callers see them. */
export const entrypoints = exports as unknown as {
  readonly AuditIntake: AuditIntakeRpc;
  readonly AuditProofs: AuditProofsRpc;
  readonly AuditReader: AuditReaderRpc;
  readonly Backends: BackendCircuitsRpc;
  readonly EdgeEvents: EdgeEventsRpc;
  readonly EnrollmentLimits: EnrollmentLimitsRpc;
  readonly Limits: LimitsRpc;
  readonly PublicKeys: PublicKeysRpc;
  readonly TokenSigner: TokenSignerRpc;
  readonly KeyRotation: KeyRotationRpc;
  readonly CertifyStudio: CertifierRpc;
  readonly CertifyCapabilities: CertifierRpc;
};

const random = (bytes: Uint8Array<ArrayBuffer>): Uint8Array => crypto.getRandomValues(bytes);
const tenBytes = (): Uint8Array => crypto.getRandomValues(new Uint8Array(10));

export const newOrg = (): OrgId => makeId("org", Date.now(), tenBytes());
export const newUser = (): UserId => makeId("user", Date.now(), tenBytes());
export const newSession = (): SessionId => makeId("session", Date.now(), tenBytes());
export const newRequest = (): RequestId => makeId("request", Date.now(), tenBytes());

/**
 * Stops `Date` a day from now and leaves timers alone. Alarms are then always set for the real
 * machine's future, so they run exactly when a test runs them.
 */
export function stopClock(): void {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 24 * 3600_000 });
}

/** Time goes on, and only forwards. */
export function passTime(ms: number): void {
  vi.setSystemTime(Date.now() + ms);
}

export function callerOf(workload: Exclude<Workload, "durable-objects">): Caller {
  const certifier = workload === "studio" ? entrypoints.CertifyStudio : entrypoints.CertifyCapabilities;
  const roots = createKeySource(() => entrypoints.PublicKeys.meshRoots(), Date.now);
  return createCaller({ workload, certify: (publicKey) => certifier.certify(publicKey), roots, now: Date.now, random });
}

/** A signed-in person of an organisation, calling through studio. */
export async function userCall(
  audience: "durable-objects.audit-intake" | "durable-objects.audit-reader" | "durable-objects.backends",
  org: OrgId,
  requestId: string,
  user: UserId = newUser(),
  role: Role = "owner",
): Promise<SignedCall> {
  const studio = callerOf("studio");
  const signing = await studio.asJob("durable-objects.token-signer", "sign_tokens", org, requestId);
  const claims = { sub: user, org, role, sid: newSession() };
  const { token } = await entrypoints.TokenSigner.signAccessToken(signing, claims);
  return await studio.asUser(audience, token, requestId);
}

/** A request before anyone is known, for one organisation's log or none. */
export function jobCall(org: OrgId | null, requestId: string): Promise<SignedCall> {
  return callerOf("studio").asJob("durable-objects.audit-intake", "anonymous_request", org, requestId);
}

export const login = (
  user: UserId | null,
  more: Partial<Extract<AuditFields, { type: "login" }>> = {},
): AuditFields => ({
  type: "login",
  user_id: user,
  ip: "203.0.113.7",
  user_agent: "Mozilla/5.0",
  outcome: "success",
  mfa: "none",
  ...more,
});

export const apiCall = (user: UserId | null, status: number | null): AuditFields => ({
  type: "api_call",
  user_id: user,
  endpoint: "/api/v1/orgs/{org}/members/{user}",
  method: "PATCH",
  status_code: status,
  duration_ms: status === null ? null : 12,
});
