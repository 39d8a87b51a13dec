import type { DeviceId, UserId } from "../../../core/ids.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
import {
  type DeviceTopic,
  parseDeviceTopic,
  type ReadRights,
  topicWithinRights,
} from "../../../core/topics/sentinel-topic.ts";
import { parseTopicName } from "../../../core/topics/topic-name.ts";
import type { Principal } from "./session.ts";
import type { BrokerState } from "./state.ts";

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
    (state.devices.has(topic.device) || state.shard?.mayKnow(topic.device) === true)
  );
}

/**
 * May others be asked to answer here (5.0, section 4.10)? Whoever answers publishes with his own rights, so
 * a device may name only what it could publish itself: no answer becomes an order. A user may name what he reads.
 */
export function mayAnswerTo(state: BrokerState, principal: Principal, topic: DeviceTopic): boolean {
  if (principal.kind === "device") return mayPublish(state, principal, topic);
  const [name = ""] = topic.rest;
  return !platformNames.includes(name) && topicWithinRights(topic, readRights(state, principal));
}

/** The same of the text of a Response Topic; without one nobody is asked. */
export function mayAskAt(state: BrokerState, principal: Principal, responseTopic: string | undefined): boolean {
  if (responseTopic === undefined) return true;
  const name = parseTopicName(responseTopic);
  const answer = name === null ? null : parseDeviceTopic(name);
  return answer !== null && mayAnswerTo(state, principal, answer);
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
