import type { Device } from "../support/target.ts";

/** Names that lie outside what a device may publish to, as the namespace of `own` and another device stand. */
export function forbiddenTopics(own: Device, other: Device): readonly (readonly [what: string, topic: string])[] {
  const base = own.prefix.slice(0, -1);
  const id = own.deviceId;
  return [
    ["its own commands", `${own.prefix}commands`],
    ["its own desired", `${own.prefix}desired`],
    ["another device's events", `${other.prefix}events`],
    ["another device's commands", `${other.prefix}commands`],
    ["another device's status", `${other.prefix}status`],
    ["another device's own name", `${other.prefix}x/y`],
    ["another organisation's device", `${own.prefix.replace(/org_[a-z0-9]+/, "org_01h455vb4pex5vsknk084sn02q")}events`],
    ["its id with a letter more", `${base}x/events`],
    ["its id with a letter less", `${base.slice(0, -1)}/events`],
    ["its id in capitals", own.prefix.replace(id, id.toUpperCase()).concat("events")],
    ["the root in capitals", own.prefix.replace("sentinel", "Sentinel").concat("events")],
    ["its id percent-encoded", `${own.prefix.replace("dev_", "dev%5F")}events`],
    ["its id with a look-alike letter", `${own.prefix.replace("dev_", "dеv_")}events`],
    ["its id with a space", `${base} /events`],
    ["its id with a zero-width joiner", `${base}\u200d/events`],
    ["its id after a byte order mark", `\ufeff${own.prefix}events`],
    ["its namespace after a slash", `/${own.prefix}events`],
    ["its namespace with a level doubled", own.prefix.replace("/devices/", "//devices/").concat("events")],
    ["its namespace without a name", base],
    ["the way up by ..", `${own.prefix}../${other.deviceId}/events`],
    ["the way up from within", `${own.prefix}a/../../${other.deviceId}/events`],
    ["a level .", `${own.prefix}./events`],
    ["a level .. at the end", `${own.prefix}events/..`],
    ["the devices", own.prefix.replace(`${id}/`, "").slice(0, -1)],
    ["the organisation", own.prefix.split("/").slice(0, 2).join("/")],
    ["the root", "sentinel"],
    ["$SYS", "$SYS/broker/uptime"],
    ["$share as a topic", `$share/g/${own.prefix}events`],
    ["a topic of nobody", "events"],
    ["/", "/"],
  ];
}
