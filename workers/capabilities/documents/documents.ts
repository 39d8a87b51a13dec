import { KeyUnavailable } from "../../../core/crypto/key-wrapper.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import { CallRefused } from "../../../core/mesh/refused.ts";
import type { DocumentResult, DocumentsRpc } from "../../../core/rpc/documents.ts";
import { admit, type CallContext, type DocumentsDependencies, type Handler } from "./admission.ts";
import { openContent } from "./content.ts";
import {
  getDocument,
  listDocuments,
  listVersions,
  removeDocument,
  renameDocument,
  restoreDocument,
} from "./metadata.ts";
import { refused } from "./result.ts";
import { addShare, listShares, removeShare } from "./shares.ts";
import { erase, expunge, tend } from "./upkeep.ts";
import { beginUpload, cancelUpload, completeUpload, findUpload, putPart } from "./uploads.ts";

type ClockMethod = "tend" | "expunge" | "erase";

/** What each method of people's does once its call is admitted. None runs otherwise. */
const handlers: { readonly [Method in Exclude<keyof DocumentsRpc, ClockMethod>]: Handler<DocumentsRpc[Method]> } = {
  beginUpload,
  findUpload,
  putPart,
  completeUpload,
  cancelUpload,
  listDocuments,
  getDocument,
  listVersions,
  renameDocument,
  openContent,
  removeDocument,
  restoreDocument,
  addShare,
  listShares,
  removeShare,
};
/** … and of the clock's. */
const clockHandlers: { readonly [Method in ClockMethod]: Handler<DocumentsRpc[Method]> } = { tend, expunge, erase };

export const documentMethods = [...Object.keys(handlers), ...Object.keys(clockHandlers)] as (keyof DocumentsRpc)[];

/** The capability: every method is admission, then its handler. */
export function createDocuments(dependencies: DocumentsDependencies): DocumentsRpc {
  const forPeople = Object.entries(handlers).map(([method, handler]) => {
    // Each handler takes its own arguments; the mapped type above has checked every pair.
    const run = handler as (context: CallContext, ...rest: unknown[]) => Promise<DocumentResult<unknown>>;
    const guarded = async (call: SignedCall, ...rest: unknown[]): Promise<DocumentResult<unknown>> => {
      const context = await admit(dependencies, method as keyof DocumentsRpc, call);
      if (context === null) return refused("forbidden");
      try {
        return await run(context, ...rest);
      } catch (error) {
        // Sealed, and the key can't be had: an answer, and never one that is half in clear.
        if (error instanceof KeyUnavailable) return refused("key_unavailable");
        throw error;
      }
    };
    return [method, guarded] as const;
  });
  const forTheClock = Object.entries(clockHandlers).map(([method, handler]) => {
    const run = handler as (context: CallContext, ...rest: unknown[]) => Promise<unknown>;
    const guarded = async (call: SignedCall, ...rest: unknown[]): Promise<unknown> => {
      const context = await admit(dependencies, method as keyof DocumentsRpc, call);
      if (context === null) throw new CallRefused("wrong_job");
      return run(context, ...rest);
    };
    return [method, guarded] as const;
  });
  return Object.fromEntries([...forPeople, ...forTheClock]) as unknown as DocumentsRpc;
}
