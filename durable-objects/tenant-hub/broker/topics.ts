import type { DeviceId, OrgId } from "../../../core/ids.ts";
import { deviceTopicName } from "../../../core/topics/sentinel-topic.ts";
import type { TopicName } from "../../../core/topics/topic-name.ts";

/** Where the platform sends a device its commands. */
export function commandsTopic(org: OrgId, device: DeviceId): TopicName {
  return deviceTopicName(org, device, "commands");
}

/** Where a device's presence is retained. */
export function statusTopic(org: OrgId, device: DeviceId): TopicName {
  return deviceTopicName(org, device, "status");
}
