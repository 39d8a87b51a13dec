import type { Handler as HandlerOf } from "../tenant-call.ts";
import type { CallContext } from "./admission.ts";

/** A method of `DevicesRpc` after admission. */
export type Handler<Method> = HandlerOf<Method, CallContext>;
