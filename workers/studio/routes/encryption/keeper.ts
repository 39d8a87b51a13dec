import type { SignedCall } from "../../../../core/mesh/claims.ts";
import type { Result } from "../../../../core/rpc/capabilities.ts";
import type { EncryptionState } from "../../../../core/rpc/data.ts";
import type { EncryptionRpc } from "../../../../core/rpc/encryption.ts";
import { fromPart, refusalOf } from "../../downstream.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, type HandlerResult, refuse } from "../../http/result.ts";
import type { MemberContext } from "../../pipeline/request-context.ts";
import { encryptionAnswer, encryptionView, keeperBody, keeperOf } from "./schemas.ts";

export const getEncryption = defineRoute(
  "getEncryption",
  { caller: "member", status: 200, answer: encryptionAnswer },
  (context) => ask(context, (encryption, call) => encryption.describe(call)),
);

/** The keys are wrapped anew in the same request; a keeper that does not do its part leaves everything as it was. */
export const putEncryption = defineRoute(
  "putEncryption",
  { caller: "member", body: keeperBody, status: 200, answer: encryptionAnswer },
  (context, { body }) =>
    ask(
      context,
      (encryption, call) => encryption.changeKeeper(call, keeperOf(body)),
      () =>
        context.caused([
          {
            type: "key_change",
            user_id: context.person.user,
            kind: "key_encryption_key",
            // Of an ARN the key's own id, which is what CloudTrail is searched by.
            key_id: body.keeper === "aws_kms" ? body.key_arn.slice(body.key_arn.lastIndexOf("/") + 1) : body.keeper,
            action: "rotated",
          },
        ]),
    ),
);

export const verifyEncryption = defineRoute(
  "verifyEncryption",
  { caller: "member", status: 200, answer: encryptionAnswer },
  (context) => ask(context, (encryption, call) => encryption.verify(call)),
);

async function ask(
  context: MemberContext,
  work: (encryption: EncryptionRpc, call: SignedCall) => Promise<Result<EncryptionState>>,
  done: () => void = () => undefined,
): Promise<HandlerResult<ReturnType<typeof encryptionView>>> {
  const result = await fromPart("encryption", async () =>
    work(context.services.encryption, await context.asUser("capabilities.encryption")),
  );
  if (!result.ok && result.code === "invalid_request")
    return refuse("invalid_request", { detail: "A key service is reached by https, on port 443 of a public name." });
  if (!result.ok) return refusalOf(result);
  done();
  return answer(encryptionView(result.value));
}
