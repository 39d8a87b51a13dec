import { z } from "@hono/zod-openapi";
import type { Command, Device } from "../../../../core/rpc/capabilities.ts";
import { deviceCommandNames } from "../../../../core/telemetry.ts";
import { idOf, idText, instant } from "../../http/schemas.ts";

export const deviceParams = z.strictObject({ device: idOf("device") });

export const device = z.object({
  id: idText,
  name: z.string(),
  platform: z.string(),
  enrolled_at: instant,
  last_seen_at: instant.nullable(),
  online: z.boolean(),
  groups: z.array(idText),
});

export function deviceView(seen: Device): z.input<typeof device> {
  const { id, name, platform, enrolledAt, lastSeenAt, online, groups } = seen;
  return { id, name, platform, enrolled_at: enrolledAt, last_seen_at: lastSeenAt, online, groups: [...groups] };
}

export const commandName = z.enum(deviceCommandNames);
export const command = z.object({
  id: idText,
  device_id: idText,
  name: commandName,
  /** Null: restored from another organisation's backup, whose key this one has never had. */
  args: z.record(z.string(), z.unknown()).nullable(),
  issued_by: idText,
  issued_at: instant,
  expires_at: instant,
  /** What the device answered, as it answered. */
  reply: z.record(z.string(), z.unknown()).nullable(),
  replied_at: instant.nullable(),
});

export function commandView(sent: Command): z.input<typeof command> {
  return {
    id: sent.id,
    device_id: sent.device,
    name: sent.name,
    args: sent.args === null ? null : { ...sent.args },
    issued_by: sent.issuedBy,
    issued_at: sent.issuedAt,
    expires_at: sent.expiresAt,
    reply: sent.reply === null ? null : { ...sent.reply },
    replied_at: sent.repliedAt,
  };
}
