import { z } from "@hono/zod-openapi";
import type { SignedCall } from "../../../../core/mesh/claims.ts";
import type { Result } from "../../../../core/rpc/capabilities.ts";
import type { EncryptionState } from "../../../../core/rpc/data.ts";
import type { EncryptionRpc } from "../../../../core/rpc/encryption.ts";
import { findOverview } from "../../../../store/control/lifecycle.ts";
import { fromPart, refusalOf } from "../../downstream.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, type HandlerResult, refuse } from "../../http/result.ts";
import { orgReference } from "../../http/schemas.ts";
import { audited } from "../../pipeline/audit.ts";
import type { OperatorContext } from "../../pipeline/request-context.ts";
import { encryptionAnswer, encryptionView } from "./schemas.ts";

const params = z.strictObject({ target: orgReference });
const shape = { caller: "operator", params, status: 200, answer: encryptionAnswer } as const;

export const operatorRotateDataKey = defineRoute("operatorRotateDataKey", shape, (context, input) =>
  tend(context, input.params.target, (encryption, call) => encryption.rotate(call), "data_key"),
);
export const operatorRewrapDataKeys = defineRoute("operatorRewrapDataKeys", shape, (context, input) =>
  tend(context, input.params.target, (encryption, call) => encryption.rewrap(call), "key_encryption_key"),
);

async function tend(
  context: OperatorContext,
  target: string,
  work: (encryption: EncryptionRpc, call: SignedCall) => Promise<Result<EncryptionState>>,
  kind: "data_key" | "key_encryption_key",
): Promise<HandlerResult<ReturnType<typeof encryptionView>>> {
  const { services, requestId } = context;
  const found = await findOverview(services.database, context.platform, target);
  if (found === null) return refuse("not_found");
  const result = await fromPart("encryption", async () => {
    const call = await services.caller.asJob("capabilities.encryption", "tend_keys", found.org, requestId);
    return work(services.encryption, call);
  });
  if (!result.ok) return refusalOf(result);
  const current = result.value.keys.find((key) => key.current);
  const key_id = kind === "data_key" ? (current?.id ?? "none") : result.value.keeper.kind;
  const event = { type: "key_change", user_id: null, kind, key_id, action: "rotated" } as const;
  context.caused([event]);
  // The request is in a platform's log; what was done to the organisation's keys is its owners' to know, too.
  await audited(async () => {
    const call = await services.caller.asJob("durable-objects.audit-intake", "anonymous_request", found.org, requestId);
    await services.audit.append(call, found.org, [event]);
  });
  return answer(encryptionView(result.value));
}
