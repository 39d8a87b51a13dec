import type { OrganisationKeys } from "../../../core/crypto/data-key-ring.ts";
import type { SignedCall, VerifiedCall } from "../../../core/mesh/claims.ts";
import type { MeshKeys } from "../../../core/mesh/keys.ts";
import { CallRefused } from "../../../core/mesh/refused.ts";
import { verifyCall } from "../../../core/mesh/verify.ts";
import type { DocumentsRpc } from "../../../core/rpc/documents.ts";
import {
  type ConnectionSource,
  openTenantDatabase,
  type TenantDatabase,
} from "../../../store/tenant/tenant-database.ts";
import { type TenantScope, tenantScope } from "../../../store/tenant/tenant-scope.ts";
import type { DocumentBucket, ToStream } from "./bucket.ts";
import { mayCall, methodRights } from "./rights.ts";

export interface DocumentsDependencies {
  readonly keys: MeshKeys;
  /** For one verified call, the source of its database connection. */
  readonly connections: (call: SignedCall) => ConnectionSource;
  /** For one verified call, its organisation's data keys. */
  readonly dataKeys: (call: SignedCall, verified: VerifiedCall) => OrganisationKeys;
  readonly bucket: DocumentBucket;
  readonly toStream: ToStream;
  /** As in `createDatabase`. */
  readonly gateway: string;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly randomBytes: (length: number) => Uint8Array<ArrayBuffer>;
}

/** What an admitted call may use. Everything in it is bound to that call's tenant and actor. */
export interface CallContext extends Pick<DocumentsDependencies, "bucket" | "toStream" | "now" | "randomBytes"> {
  readonly scope: TenantScope;
  readonly database: TenantDatabase;
  /** Wraps and unwraps documents' keys. @throws KeyUnavailable */
  readonly dataKeys: OrganisationKeys;
}

/** A method of `DocumentsRpc` after admission: the signed call has become the context it allows. */
export type Handler<Method> = Method extends (call: SignedCall, ...rest: infer Rest) => infer Answer
  ? (context: CallContext, ...rest: Rest) => Answer
  : never;

/**
 * Verifies a call for one method, before any side effect.
 * @returns null when the call is genuine and its role may not do this
 * @throws CallRefused when it is not genuine, was used before, is not for this entrypoint, or a job that is not this
 *   method's
 */
export async function admit(
  dependencies: DocumentsDependencies,
  method: keyof DocumentsRpc,
  call: SignedCall,
): Promise<CallContext | null> {
  const { keys, connections, bucket, toStream, gateway, now, randomBytes } = dependencies;
  const { roles, jobs } = methodRights[method];
  const expect = { audience: "capabilities.documents", users: roles.length > 0, jobs, once: true } as const;
  const verified = await verifyCall(call, expect, keys, now());
  const scope = tenantScope(verified);
  if (scope === null) throw new CallRefused("wrong_org");
  if (!mayCall(method, scope.actor)) return null;
  return {
    scope,
    database: openTenantDatabase(scope, connections(call), gateway),
    dataKeys: dependencies.dataKeys(call, verified),
    bucket,
    toStream,
    now,
    randomBytes,
  };
}
