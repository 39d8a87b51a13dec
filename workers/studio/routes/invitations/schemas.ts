import { z } from "@hono/zod-openapi";
import type { Invitation } from "../../../../store/control/invitations.ts";
import { idText, instant, role } from "../../http/schemas.ts";

export const invitation = z.object({
  id: idText,
  email: z.string(),
  role,
  invited_by: idText,
  created_at: instant,
  expires_at: instant,
});

export function invitationView({
  id,
  email,
  role: offered,
  invitedBy,
  createdAt,
  expiresAt,
}: Invitation): z.input<typeof invitation> {
  return { id, email, role: offered, invited_by: invitedBy, created_at: createdAt, expires_at: expiresAt };
}
