/** Exports: rows of an organisation's own, read as whoever asked sees them, sealed in a bucket. */
import { KeyUnavailable } from "../../../core/crypto/key-wrapper.ts";
import { parseId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import { CallRefused } from "../../../core/mesh/refused.ts";
import type { ExportsResult, ExportsRpc } from "../../../core/rpc/exports.ts";
import { admit, type CallContext, type ExportsDependencies } from "./admission.ts";
import { assemble } from "./assemble.ts";
import { deleteAll, deleteOthers } from "./bucket.ts";
import { deliver } from "./deliver.ts";
import { open, prepare } from "./people.ts";
import { refused } from "./result.ts";
import { OrderChanged } from "./sealing.ts";
import { step } from "./step.ts";

/** The capability: every method is admission, then its handler. */
export function createExports(dependencies: ExportsDependencies): ExportsRpc {
  const answering = async <T>(
    method: keyof ExportsRpc,
    call: SignedCall,
    run: (context: CallContext) => Promise<ExportsResult<T>>,
  ): Promise<ExportsResult<T>> => {
    const context = await admit(dependencies, method, call);
    if (context === null) return refused("forbidden");
    try {
      return await run(context);
    } catch (error) {
      // Sealed, and the key can't be had: an answer, and never one that is half in clear.
      if (error instanceof KeyUnavailable) return refused("key_unavailable");
      if (error instanceof OrderChanged) return refused("invalid_request");
      throw error;
    }
  };
  const admitJob = async (method: keyof ExportsRpc, call: SignedCall): Promise<CallContext> => {
    const context = await admit(dependencies, method, call);
    if (context === null) throw new CallRefused("wrong_job");
    return context;
  };
  return {
    prepare: (call, spec, id) => answering("prepare", call, (context) => prepare(context, spec, id)),
    open: (call, order) => answering("open", call, (context) => open(context, order)),
    step: (call, order) => answering("step", call, (context) => step(context, order)),
    assemble: (call, order) => answering("assemble", call, (context) => assemble(context, order)),
    async deliver(call, order) {
      const context = await admitJob("deliver", call);
      try {
        return await deliver(context, order);
      } catch (error) {
        if (error instanceof KeyUnavailable || error instanceof OrderChanged)
          return { ok: false, code: "destination_gone" };
        throw error;
      }
    },
    async discard(call, id, keep) {
      const { bucket, scope } = await admitJob("discard", call);
      if (parseId("export", id) === null) throw new Error("not the id of an export");
      await deleteOthers(bucket, scope.org, id, keep);
    },
    async erase(call) {
      const { bucket, scope } = await admitJob("erase", call);
      await deleteAll(bucket, scope.org);
    },
  };
}
