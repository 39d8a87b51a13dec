import { z } from "@hono/zod-openapi";
import type { Group } from "../../../../core/rpc/capabilities.ts";
import { idOf, idText, instant, nameOf } from "../../http/schemas.ts";

export const group = z.object({
  id: idText,
  name: z.string(),
  created_at: instant,
  devices: z.array(idText),
  members: z.array(idText),
});
export const groupBody = z.strictObject({ name: nameOf(100) });
export const groupParams = z.strictObject({ group: idOf("group") });
export const groupDeviceParams = z.strictObject({ group: idOf("group"), device: idOf("device") });
export const groupMemberParams = z.strictObject({ group: idOf("group"), user: idOf("user") });

export function groupView({ id, name, createdAt, devices, members }: Group): z.input<typeof group> {
  return { id, name, created_at: createdAt, devices: [...devices], members: [...members] };
}
