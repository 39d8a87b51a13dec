import { type DeviceId, type OrgId, parseId } from "../ids.ts";
import { filterLiesUnder, type TopicFilter } from "./topic-filter.ts";
import type { TopicName } from "./topic-name.ts";

/** A topic inside a device's namespace: `sentinel/{org}/devices/{device}/{rest}`. */
export interface DeviceTopic {
  readonly org: OrgId;
  readonly device: DeviceId;
  /** The levels after the device, at least one; `["replies", "cmd_…"]`. */
  readonly rest: readonly string[];
}

/**
 * Parses a topic name of a device's namespace; null for every other name. `.` and `..` levels mean nothing
 * to MQTT, but a consumer that maps topics to paths might think otherwise: refused here.
 */
export function parseDeviceTopic(name: TopicName): DeviceTopic | null {
  const [root, orgText, devices, deviceText, ...rest] = name.split("/");
  if (root !== "sentinel" || devices !== "devices" || rest.length === 0) return null;
  const org = parseId("org", orgText);
  const device = parseId("device", deviceText);
  if (org === null || device === null) return null;
  return rest.some(isTraversal) ? null : { org, device, rest };
}

function isTraversal(level: string): boolean {
  return level === "." || level === "..";
}

/** The levels before the first name of a device's own. */
export function deviceLevels(org: OrgId, device: DeviceId): readonly string[] {
  return ["sentinel", org, "devices", device];
}

/** The levels that every topic of an organisation begins with. */
export function orgLevels(org: OrgId): readonly string[] {
  return ["sentinel", org];
}

/** A topic of a device: `deviceTopicName(org, device, "status")`. */
export function deviceTopicName(org: OrgId, device: DeviceId, ...rest: readonly string[]): TopicName {
  return [...deviceLevels(org, device), ...rest].join("/") as TopicName;
}

/** What someone may read, in the terms the topic tree offers. */
export type ReadRights =
  | { readonly kind: "none" }
  | { readonly kind: "tenant"; readonly org: OrgId }
  | { readonly kind: "devices"; readonly org: OrgId; readonly devices: ReadonlySet<DeviceId> };

/**
 * True when everything the filter can match lies inside the rights. A wildcard where the device's id
 * stands is therefore refused to whoever may read only some devices.
 */
export function filterWithinRights(filter: TopicFilter, rights: ReadRights): boolean {
  if (filter.split("/").some(isTraversal)) return false;
  switch (rights.kind) {
    case "none":
      return false;
    case "tenant":
      return filterLiesUnder(filter, orgLevels(rights.org));
    case "devices": {
      const device = parseId("device", filter.split("/")[3]);
      return device !== null && rights.devices.has(device) && filterLiesUnder(filter, deviceLevels(rights.org, device));
    }
  }
}

/** True when this topic lies inside the rights. */
export function topicWithinRights(topic: DeviceTopic, rights: ReadRights): boolean {
  switch (rights.kind) {
    case "none":
      return false;
    case "tenant":
      return topic.org === rights.org;
    case "devices":
      return topic.org === rights.org && rights.devices.has(topic.device);
  }
}
