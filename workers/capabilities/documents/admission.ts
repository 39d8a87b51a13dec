import type { SignedCall } from "../../../core/mesh/claims.ts";
import type { DocumentsRpc } from "../../../core/rpc/documents.ts";
import {
  admitTenantCall,
  type Handler as HandlerOf,
  type TenantCall,
  type TenantCallDependencies,
} from "../tenant-call.ts";
import type { DocumentBucket, ToStream } from "./bucket.ts";
import type { PdfTextBinding } from "./pdf-text.ts";
import { mayCall, methodRights } from "./rights.ts";

export interface DocumentsDependencies extends TenantCallDependencies {
  readonly bucket: DocumentBucket;
  readonly toStream: ToStream;
  readonly pdfText: PdfTextBinding;
  readonly randomBytes: (length: number) => Uint8Array<ArrayBuffer>;
}

/** What an admitted call may use. Everything in it is bound to that call's tenant and actor. */
export interface CallContext
  extends TenantCall,
    Pick<DocumentsDependencies, "bucket" | "toStream" | "pdfText" | "now" | "randomBytes"> {}

export type Handler<Method> = HandlerOf<Method, CallContext>;

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
  const { bucket, toStream, pdfText, now, randomBytes } = dependencies;
  const { roles, jobs } = methodRights[method];
  const expect = { audience: "capabilities.documents", users: roles.length > 0, jobs, once: true } as const;
  const admitted = await admitTenantCall(dependencies, expect, (actor) => mayCall(method, actor), call);
  return admitted === null ? null : { ...admitted, bucket, toStream, pdfText, now, randomBytes };
}
