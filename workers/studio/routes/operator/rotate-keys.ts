import { z } from "@hono/zod-openapi";
import type { AuditFields } from "../../../../core/audit/events.ts";
import { type RotatedPurpose, rotatedPurposes } from "../../../../core/rpc/durable-objects.ts";
import { fromPart } from "../../downstream.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer } from "../../http/result.ts";

const body = z.strictObject({
  purpose: z.enum(rotatedPurposes),
  /** Said aloud, because nobody rotates by hand without an emergency: the ring does it every month. */
  emergency: z.literal(true),
});
const rotated = z.object({ kid: z.string(), revoked: z.array(z.string()) });

const kinds = {
  access: "access_signing_key",
  mesh: "mesh_signing_key",
  audit_log: "audit_log_signing_key",
} as const satisfies Record<RotatedPurpose, string>;

/**
 * The operator believes that a signing key is known to somebody else. Asking again makes yet another key,
 * which harms nobody; the same Idempotency-Key gets the same answer.
 */
export const rotateKeys = defineRoute(
  "rotateKeys",
  { caller: "operator", body, status: 200, answer: rotated },
  async (context, input) => {
    const { services, requestId } = context;
    const { purpose } = input.body;
    const result = await fromPart("key ring", async () => {
      const call = await services.caller.asJob("durable-objects.key-rotation", "rotate_keys", null, requestId);
      return services.keyRotation.rotate(call, purpose);
    });
    // This isolate's own certificate was signed by a key that is gone; the outcome needs one that is not.
    if (purpose === "mesh") services.caller.renew();
    const event = (key_id: string, action: "rotated" | "revoked"): AuditFields => {
      return { type: "key_change", user_id: null, kind: kinds[purpose], key_id, action };
    };
    context.caused([event(result.kid, "rotated"), ...result.revoked.map((kid) => event(kid, "revoked"))]);
    return answer({ kid: result.kid, revoked: [...result.revoked] });
  },
);
