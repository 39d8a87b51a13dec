import type { OrganisationKeys } from "../../../core/crypto/data-key-ring.ts";
import type { UserId } from "../../../core/ids.ts";
import type { SignedCall, VerifiedCall } from "../../../core/mesh/claims.ts";
import type { MeshKeys } from "../../../core/mesh/keys.ts";
import { CallRefused } from "../../../core/mesh/refused.ts";
import { verifyCall } from "../../../core/mesh/verify.ts";
import type { LlmRpc } from "../../../core/rpc/llm.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
import {
  type ConnectionSource,
  openTenantDatabase,
  type TenantDatabase,
} from "../../../store/tenant/tenant-database.ts";
import { tenantScope } from "../../../store/tenant/tenant-scope.ts";
import type { ProviderFetch } from "./provider-fetch.ts";
import { methodRights } from "./rights.ts";

export interface LlmDependencies {
  readonly keys: MeshKeys;
  /** For one verified call, the source of its database connection. */
  readonly connections: (call: SignedCall) => ConnectionSource;
  /** For one verified call, its organisation's data keys. */
  readonly dataKeys: (call: SignedCall, verified: VerifiedCall) => OrganisationKeys;
  /** The one way out. */
  readonly fetchProvider: ProviderFetch;
  /** Whether an address may be called. */
  readonly mayCall: (baseUrl: string) => boolean;
  /** As in `createDatabase`. */
  readonly gateway: string;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly randomBytes: (length: number) => Uint8Array<ArrayBuffer>;
}

/** What an admitted call may use. Everything in it is bound to that call's tenant and actor. */
export interface CallContext extends Pick<LlmDependencies, "fetchProvider" | "mayCall" | "now" | "randomBytes"> {
  readonly user: UserId;
  readonly role: Role;
  readonly requestId: string;
  readonly database: TenantDatabase;
  /** Seals and opens providers' keys. @throws KeyUnavailable */
  readonly dataKeys: OrganisationKeys;
}

/** A method of `LlmRpc` after admission: the signed call has become the context it allows. */
export type Handler<Method> = Method extends (call: SignedCall, ...rest: infer Rest) => infer Answer
  ? (context: CallContext, ...rest: Rest) => Answer
  : never;

/**
 * Verifies a call for one method, before any side effect.
 * @returns null when the call is genuine and its role may not do this
 * @throws CallRefused when it is not genuine, was used before, is not for this entrypoint, or no person's
 */
export async function admit(
  dependencies: LlmDependencies,
  method: keyof LlmRpc,
  call: SignedCall,
): Promise<CallContext | null> {
  const { keys, connections, fetchProvider, mayCall, gateway, now, randomBytes } = dependencies;
  const expect = { audience: "capabilities.llm", users: true, jobs: [], once: true } as const;
  const verified = await verifyCall(call, expect, keys, now());
  const scope = tenantScope(verified);
  if (scope === null || scope.actor.kind !== "user") throw new CallRefused("wrong_org");
  const { user, role } = scope.actor;
  if (!methodRights[method].includes(role)) return null;
  return {
    user,
    role,
    requestId: scope.requestId,
    database: openTenantDatabase(scope, connections(call), gateway),
    dataKeys: dependencies.dataKeys(call, verified),
    fetchProvider,
    mayCall,
    now,
    randomBytes,
  };
}
