import type { SignedCall } from "../../../core/mesh/claims.ts";
import type { ExportsResult, ExportsRpc } from "../../../core/rpc/exports.ts";
import { fromPart, refusalOf } from "../downstream.ts";
import type { MemberContext } from "../pipeline/request-context.ts";
import { type Refusal, refuse } from "./result.ts";

/** Asks the exports capability on the member's behalf. @throws Unavailable */
export function askExports<T>(
  context: MemberContext,
  ask: (exports: ExportsRpc, call: SignedCall) => Promise<T>,
): Promise<T> {
  return fromPart("exports", async () => ask(context.services.exports, await context.asUser("capabilities.exports")));
}

/** Maps the capability's refusal to the problem that the client sees. */
export function exportsRefusal({ code }: Extract<ExportsResult<unknown>, { ok: false }>): Refusal {
  if (code === "too_large") return refuse("too_large", { detail: "So much is asked for in several exports" });
  return refusalOf({ ok: false, code });
}
