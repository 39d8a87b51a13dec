import type { DeviceId, UserId } from "../../../core/ids.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
import type { DeviceTopic, ReadRights } from "../../../core/topics/sentinel-topic.ts";
import type { BrokerState, Principal } from "./state.ts";

/** Names only the platform publishes; a device's own publish there is refused, at any depth. */
const platformNames: readonly string[] = ["commands", "desired"];

/**
 * What a principal may read. A device's rights follow from its credential alone: there is no rule
 * language to get wrong.
 */
export function readRights(state: BrokerState, principal: Principal): ReadRights {
  if (principal.kind === "device") return { kind: "devices", org: state.org, devices: new Set([principal.device]) };
  const role = state.members.get(principal.user);
  if (role === undefined) return { kind: "none" };
  if (readsWholeTenant(role)) return { kind: "tenant", org: state.org };
  return { kind: "devices", org: state.org, devices: devicesInGroupsOf(state, principal.user) };
}

/** May this principal publish here? */
export function mayPublish(state: BrokerState, principal: Principal, topic: DeviceTopic): boolean {
  const [name = ""] = topic.rest;
  if (topic.org !== state.org) return false;
  if (principal.kind === "device") return topic.device === principal.device && !platformNames.includes(name);
  const role = state.members.get(principal.user);
  return (
    role !== undefined &&
    publishes(role) &&
    topic.rest.length === 1 &&
    platformNames.includes(name) &&
    state.devices.has(topic.device)
  );
}

/** owner, admin and readonly read across the tenant. */
export function readsWholeTenant(role: Role): boolean {
  return role === "owner" || role === "admin" || role === "readonly";
}

/** owner and admin publish. */
export function publishes(role: Role): boolean {
  return role === "owner" || role === "admin";
}

/** The devices of every group the user is in. */
export function devicesInGroupsOf(state: BrokerState, user: UserId): Set<DeviceId> {
  const devices = new Set<DeviceId>();
  for (const group of state.groups.values()) {
    if (!group.members.has(user)) continue;
    for (const device of group.devices) devices.add(device);
  }
  return devices;
}
