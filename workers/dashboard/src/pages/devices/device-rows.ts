import type { Device } from "../../api/schemas.ts";
import type { Presence } from "../../live/presence.ts";

export type PresenceFilter = "all" | "online" | "offline";

/** What the API said, with what has been heard since laid over it. */
export function withPresence(devices: readonly Device[], heard: ReadonlyMap<string, Presence>): Device[] {
  return devices.map((device) => overlay(device, heard.get(device.id)));
}

/** One device; a status older than its newest sign of life changes presence, not that time. */
export function overlay(device: Device, presence: Presence | undefined): Device {
  if (presence === undefined) return device;
  const seen = device.last_seen_at;
  const newer = presence.at !== null && (seen === null || Date.parse(presence.at) > Date.parse(seen));
  return { ...device, online: presence.online, last_seen_at: newer ? presence.at : seen };
}

/** Every word must be in the name, platform or id. */
export function filterDevices(devices: readonly Device[], search: string, presence: PresenceFilter): Device[] {
  const words = search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  return devices.filter((device) => {
    if (presence !== "all" && device.online !== (presence === "online")) return false;
    const text = `${device.name} ${device.platform} ${device.id}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
