import { z } from "@hono/zod-openapi";
import type { EnrollmentCode } from "../../../../core/rpc/capabilities.ts";
import { idText, instant } from "../../http/schemas.ts";

export const enrollmentCode = z.object({
  id: idText,
  name: z.string(),
  expires_at: instant,
  max_uses: z.int(),
  uses: z.int(),
  created_by: idText,
  created_at: instant,
  revoked_at: instant.nullable(),
  rollout: z.object({ per_minute: z.int(), until: instant }).nullable(),
});

export function enrollmentCodeView(code: EnrollmentCode): z.input<typeof enrollmentCode> {
  return {
    id: code.id,
    name: code.name,
    expires_at: code.expiresAt,
    max_uses: code.maxUses,
    uses: code.uses,
    created_by: code.createdBy,
    created_at: code.createdAt,
    revoked_at: code.revokedAt,
    rollout: code.rollout === null ? null : { per_minute: code.rollout.perMinute, until: code.rollout.until },
  };
}
