/** What a device may not subscribe to: refused in the SUBACK, also in a share and beside filters that are fine. */
import { describe, expect } from "vitest";
import { unsubscribe } from "../support/packets.ts";
import { type Device, isSentinel, newDevice } from "../support/target.ts";
import { sentinelOnly } from "./sentinel-only.ts";

const device: Device = await newDevice();
const victim: Device = await newDevice();

function forbiddenFilters(): readonly (readonly [what: string, filter: string])[] {
  const { prefix, deviceId } = device;
  const base = prefix.slice(0, -1);
  const [root, org] = prefix.split("/");
  return [
    ["everything", "#"],
    ["every first level", "+"],
    ["+/#", "+/#"],
    ["every level but the last", "+/+/+/+/#"],
    ["five levels of anything", "+/+/+/+/+"],
    ["the root", `${root}/#`],
    ["every organisation", `${root}/+/devices/${deviceId}/#`],
    ["the organisation", `${root}/${org}/#`],
    ["all devices", `${root}/${org}/devices/#`],
    ["all devices' events", `${root}/${org}/devices/+/events`],
    ["all devices' anything", `${root}/${org}/devices/+/#`],
    ["any word for devices", `${root}/${org}/+/${deviceId}/#`],
    ["any root", `+/${org}/devices/${deviceId}/#`],
    ["another device", `${victim.prefix}#`],
    ["another device's commands", `${victim.prefix}commands`],
    ["another organisation's device", `${prefix.replace(org ?? "", "org_01h455vb4pex5vsknk084sn02q")}#`],
    ["its id with a letter more", `${base}x/#`],
    ["its id with a letter less", `${base.slice(0, -1)}/#`],
    ["its id in capitals", `${prefix.replace(deviceId, deviceId.toUpperCase())}#`],
    ["its id percent-encoded", `${prefix.replace("dev_", "dev%5F")}#`],
    ["its id with a look-alike letter", `${prefix.replace("dev_", "dеv_")}#`],
    ["its id with a zero-width joiner", `${base}\u200d/#`],
    ["its namespace after a slash", `/${prefix}#`],
    ["its namespace with a level doubled", `${prefix.replace("/devices/", "//devices/")}#`],
    ["its namespace without a name", base],
    ["the way up by ..", `${prefix}../${victim.deviceId}/#`],
    ["a level .", `${prefix}./#`],
    ["a level .. at the end", `${prefix}x/..`],
    ["$SYS", "$SYS/#"],
    ["all of $SYS", "$SYS/broker/+/uptime"],
    ["any $ topic", "$test/#"],
    ["$queue", `$queue/${victim.prefix}#`],
    ["$shared", `$shared/g/${prefix}#`],
    ["$SHARE", `$SHARE/g/${prefix}#`],
    ["//", "//#"],
  ];
}

describe("a device subscribes to", () => {
  for (const [what, filter] of isSentinel ? forbiddenFilters() : []) {
    sentinelOnly(`${what}: 0x87 in 5.0, 0x80 in 3.1.1`, async () => {
      for (const level of [5, 4] as const) {
        const refusal = level === 5 ? 0x87 : 0x80;
        const client = await device.connect(level);
        const fine = device.scope()("fine");
        for (const qos of [0, 1, 2]) expect(await client.subscribe({ filter, qos })).toEqual([refusal]);
        expect(
          await client.subscribe([
            { filter: fine, qos: 1 },
            { filter, qos: 2 },
            { filter: `${fine}/+`, qos: 0 },
          ]),
        ).toEqual([1, refusal, 0]);
        client.drop();
      }
    });
    sentinelOnly(`${what}, in a share: refused likewise`, async () => {
      for (const level of [5, 4] as const) {
        const client = await device.connect(level);
        expect(await client.subscribe({ filter: `$share/g/${filter}`, qos: 1 })).toEqual([level === 5 ? 0x87 : 0x80]);
        client.drop();
      }
    });
    sentinelOnly(`${what}: unsubscribing finds nothing`, async () => {
      const client = await device.connect(5);
      client.send(unsubscribe(5, 1, [filter]));
      const { codes } = await client.expect("unsuback");
      expect([[0x11], [0x87]]).toContainEqual(codes);
      client.drop();
    });
  }

  sentinelOnly("none of which brings it anything", async () => {
    const client = await device.connect(5);
    await client.subscribe(forbiddenFilters().map(([, filter]) => ({ filter, qos: 1 })));
    const other = await victim.connect(5);
    for (const name of ["events-like", "x", "a/b"])
      await other.publish({ topic: victim.prefix + name, qos: 1, retain: true });
    await other.publish({ topic: `${victim.prefix}x`, qos: 0 });
    expect(await client.fence()).toEqual([]);
    for (const name of ["events-like", "x", "a/b"])
      await other.publish({ topic: victim.prefix + name, qos: 1, retain: true, payload: "" });
    client.drop();
    other.drop();
  });

  sentinelOnly("its own namespace, with wildcards, empty levels and shares", async () => {
    const client = await device.connect(5);
    const filters = ["#", "+", "commands", "desired", "replies/+", "a//b", "+/+/#", "a/"].map(
      (name) => device.prefix + name,
    );
    for (const filter of filters)
      expect([filter, await client.subscribe({ filter, qos: 2, retainHandling: 2 })]).toEqual([filter, [2]]);
    expect(await client.subscribe({ filter: `$share/g/${device.prefix}#`, qos: 1 })).toEqual([1]);
    client.drop();
  });
});
