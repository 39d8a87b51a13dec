import type { UserId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import { CallRefused } from "../../../core/mesh/refused.ts";
import type { LlmRpc } from "../../../core/rpc/llm.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
import {
  admitTenantCall,
  type Handler as HandlerOf,
  type TenantCall,
  type TenantCallDependencies,
} from "../tenant-call.ts";
import type { PlatformModels } from "./platform-models.ts";
import type { ProviderFetch } from "./provider-fetch.ts";
import { methodRights } from "./rights.ts";

export interface LlmDependencies extends TenantCallDependencies {
  /** The one way out to an address. */
  readonly fetchProvider: ProviderFetch;
  /** … and to the platform's own models; null where the operator offers none. */
  readonly platform: PlatformModels | null;
  /** Whether an address may be called. */
  readonly mayCall: (baseUrl: string) => boolean;
  readonly randomBytes: (length: number) => Uint8Array<ArrayBuffer>;
}

/** What an admitted call may use. Everything in it is bound to that call's tenant and actor. */
export interface CallContext
  extends Pick<TenantCall, "database" | "dataKeys">,
    Pick<LlmDependencies, "fetchProvider" | "platform" | "mayCall" | "now" | "randomBytes"> {
  readonly user: UserId;
  readonly role: Role;
  readonly requestId: string;
}

export type Handler<Method> = HandlerOf<Method, CallContext>;

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
  const { fetchProvider, platform, mayCall, now, randomBytes } = dependencies;
  const expect = { audience: "capabilities.llm", users: true, jobs: [], once: true } as const;
  const mayAsk = (actor: TenantCall["scope"]["actor"]): boolean =>
    actor.kind !== "user" || methodRights[method].includes(actor.role);
  const admitted = await admitTenantCall(dependencies, expect, mayAsk, call);
  if (admitted === null) return null;
  const { scope, database, dataKeys } = admitted;
  if (scope.actor.kind !== "user") throw new CallRefused("wrong_org");
  const { user, role } = scope.actor;
  const ways = { fetchProvider, platform, mayCall };
  return { user, role, requestId: scope.requestId, database, dataKeys, ...ways, now, randomBytes };
}
