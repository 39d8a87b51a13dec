import type { HubRange } from "../../core/rpc/hub-backup.ts";
import type { BrokerEvent } from "./broker/events.ts";
import type { BrokerState, Group } from "./broker/state.ts";

const nobody: Group = { devices: new Set(), members: new Set() };

/** What the broker has to be told so that it agrees with a range. Nothing is said of what it knows already. Pure. */
export function reconciliation(state: BrokerState, range: HubRange): BrokerEvent[] {
  const isInside = (id: string): boolean =>
    (range.after === null || id > range.after) && (range.until === null || id <= range.until);
  if (range.kind === "groups") {
    const given = new Set<string>(range.groups.map(({ group }) => group));
    const gone = [...state.groups.keys()].filter((group) => isInside(group) && !given.has(group));
    return [
      ...gone.map((group) => ({ kind: "put_group", group, content: nobody }) as const),
      ...range.groups.map(({ group, devices, members }) => {
        return { kind: "put_group", group, content: { devices: new Set(devices), members: new Set(members) } } as const;
      }),
    ];
  }
  const given = new Set<string>(range.devices.map(({ device }) => device));
  const gone = [...state.devices.keys()].filter((device) => isInside(device) && !given.has(device));
  const changed = range.devices.filter(
    ({ device, tokenSha256 }) => state.devices.get(device)?.tokenSha256 !== tokenSha256,
  );
  return [
    ...gone.map((device) => ({ kind: "remove_device", device }) as const),
    ...changed.map(({ device, tokenSha256 }) => ({ kind: "put_device", device, tokenSha256 }) as const),
  ];
}
