import type { Device } from "../../api/schemas.ts";
import type { Presence } from "../../live/presence.ts";
export type PresenceFilter = "all" | "online" | "offline";
/** What the API said, with what has been heard since laid over it. */
export declare function withPresence(devices: readonly Device[], heard: ReadonlyMap<string, Presence>): Device[];
/** One device; a status older than its newest sign of life changes presence, not that time. */
export declare function overlay(device: Device, presence: Presence | undefined): Device;
/** Every word must be in the name, platform or id. */
export declare function filterDevices(devices: readonly Device[], search: string, presence: PresenceFilter): Device[];
