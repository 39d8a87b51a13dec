import { z } from "@hono/zod-openapi";
import type { ApiKey } from "../../../../store/control/api-keys.ts";
import { idText, instant, role } from "../../http/schemas.ts";

export const apiKey = z.object({
  id: idText,
  /** The service user it speaks for: what groups hold, and the user name over MQTT. */
  user_id: idText,
  name: z.string(),
  role,
  prefix: z.string(),
  created_by: idText,
  created_at: instant,
  expires_at: instant,
  last_used_at: instant.nullable(),
  /** Set while its hub has not been told: revoke it again. */
  revoked_at: instant.nullable(),
});

export function apiKeyView(key: ApiKey): z.input<typeof apiKey> {
  return {
    id: key.id,
    user_id: key.user,
    name: key.name,
    role: key.role,
    prefix: key.prefix,
    created_by: key.createdBy,
    created_at: key.createdAt,
    expires_at: key.expiresAt,
    last_used_at: key.lastUsedAt,
    revoked_at: key.revokedAt,
  };
}
