import { useCallback, useState } from "react";
import type { Role } from "../../../../core/tenancy/roles.ts";
import { seesEveryDevice } from "../access.ts";
import { type Presence, parseStatus } from "./presence.ts";
import { useTopics } from "./provider.tsx";
import { deviceOf, statusOf } from "./topics.ts";

/**
 * Live presence of the listed devices.
 * @returns what has been heard so far, by device id; a device not in it is as the API says
 */
export function usePresence(org: string, role: Role, devices: readonly string[]): ReadonlyMap<string, Presence> {
  const [heard, setHeard] = useState<ReadonlyMap<string, Presence>>(new Map());
  const filters = seesEveryDevice(role) ? [statusOf(org, "+")] : devices.map((device) => statusOf(org, device));
  const hear = useCallback((topic: string, payload: Uint8Array) => {
    const device = deviceOf(topic);
    const presence = parseStatus(payload);
    if (device === null || presence === null) return;
    setHeard((before) => new Map(before).set(device, presence));
  }, []);
  useTopics(filters, hear);
  return heard;
}
