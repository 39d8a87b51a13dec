import type { OrganisationKeys } from "../../../core/crypto/data-key-ring.ts";
import type { DestinationPort } from "../../../core/exports/destination.ts";
import type { ExportTarget } from "../../../core/exports/target.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import type { TenantReader } from "../../../core/rpc/data.ts";
import type { ExportsRpc } from "../../../core/rpc/exports.ts";
import {
  type ConnectionSource,
  openTenantDatabase,
  type TenantDatabase,
} from "../../../store/tenant/tenant-database.ts";
import type { DocumentBucket } from "../documents/bucket.ts";
import {
  admitTenantCall,
  type Handler as HandlerOf,
  type TenantCall,
  type TenantCallDependencies,
} from "../tenant-call.ts";
import type { ExportBucket } from "./bucket.ts";
import { mayCall, methodRights } from "./rights.ts";

export interface ExportsDependencies extends Omit<TenantCallDependencies, "connections"> {
  /** For one verified call, the source of its database connection; of the job's, as whom it reads. */
  readonly connections: (call: SignedCall, reader?: TenantReader) => ConnectionSource;
  readonly bucket: ExportBucket;
  /** Where documents lie: read for archives, never written. */
  readonly documentBucket: Pick<DocumentBucket, "get">;
  readonly toStream: (length: number, pieces: AsyncIterable<Uint8Array>) => ReadableStream<Uint8Array>;
  readonly randomBytes: (length: number) => Uint8Array<ArrayBuffer>;
  /**
   * The way to a destination of the organisation whose keys these are; null: its secret is none of theirs. It is gone
   * while `renew` says so, and throws ClaimLost when it does not.
   */
  readonly openDestination: (
    keys: OrganisationKeys,
    target: ExportTarget,
    renew: () => Promise<boolean>,
  ) => Promise<DestinationPort | null>;
}

/** What an admitted call may use. Everything in it is bound to that call's tenant and actor. */
export interface CallContext
  extends TenantCall,
    Pick<ExportsDependencies, "bucket" | "documentBucket" | "toStream" | "now" | "randomBytes" | "openDestination"> {
  /** The tenant's database as somebody who isn't there sees it. */
  readonly databaseAs: (reader: TenantReader) => TenantDatabase;
}

export type Handler<Method> = HandlerOf<Method, CallContext>;

/**
 * Verifies a call for one method, before any side effect.
 * @returns null when the call is genuine and its role may not do this
 * @throws CallRefused when it is not genuine, was used before, is not for this entrypoint, or a job that is not this
 *   method's
 */
export async function admit(
  dependencies: ExportsDependencies,
  method: keyof ExportsRpc,
  call: SignedCall,
): Promise<CallContext | null> {
  const { bucket, documentBucket, toStream, now, randomBytes, openDestination, connections, gateway } = dependencies;
  const { roles, jobs } = methodRights[method];
  const expect = { audience: "capabilities.exports", users: roles.length > 0, jobs, once: true } as const;
  const admitted = await admitTenantCall(dependencies, expect, (actor) => mayCall(method, actor), call);
  if (admitted === null) return null;
  const databaseAs = (reader: TenantReader) => openTenantDatabase(admitted.scope, connections(call, reader), gateway);
  return { ...admitted, databaseAs, bucket, documentBucket, toStream, now, randomBytes, openDestination };
}
