import type { AuditFields } from "../../../core/audit/events.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import type { DevicesRpc, Result } from "../../../core/rpc/capabilities.ts";
import { fromPart, refusalOf } from "../downstream.ts";
import type { MemberContext } from "../pipeline/request-context.ts";
import { answer, type HandlerResult } from "./result.ts";

/** Asks the devices capability on the member's behalf. @throws Unavailable */
export function askDevices<T>(
  context: MemberContext,
  ask: (devices: DevicesRpc, call: SignedCall) => Promise<Result<T>>,
): Promise<Result<T>> {
  return fromPart("devices", async () => ask(context.services.devices, await context.asUser("capabilities.devices")));
}

/** … and answers with what it says. @param caused what was done by it, for the log */
export async function answerFromDevices<T, V>(
  context: MemberContext,
  ask: (devices: DevicesRpc, call: SignedCall) => Promise<Result<T>>,
  view: (value: T) => V,
  caused?: (value: T) => AuditFields,
): Promise<HandlerResult<V>> {
  const result = await askDevices(context, ask);
  if (!result.ok) return refusalOf(result);
  if (caused !== undefined) context.caused([caused(result.value)]);
  return answer(view(result.value));
}
