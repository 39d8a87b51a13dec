import type { SignedCall } from "../../../core/mesh/claims.ts";
import type { CallContext } from "./admission.ts";

/** A method of `DevicesRpc` after admission: the signed call has become the context it allows. */
export type Handler<Method> = Method extends (call: SignedCall, ...rest: infer Rest) => infer Answer
  ? (context: CallContext, ...rest: Rest) => Answer
  : never;
