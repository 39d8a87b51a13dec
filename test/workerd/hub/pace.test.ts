import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { packetPace } from "../../../durable-objects/tenant-hub/broker/rates.ts";
import { resetIngest } from "./fake-ingest.ts";
import { Client, enrol, newOrg, passTime, publishPacket, stopClock } from "./harness.ts";

/** Buckets fill with time: how fast this machine is must not matter. */
beforeAll(stopClock);
beforeEach(resetIngest);

/** More than its burst, by so many that a 5.0 client may have open. */
const beyond = 20;

async function flooded(): Promise<Client> {
  const org = newOrg();
  const device = await enrol(org);
  const client = await Client.open(org, {}, 5);
  const connack = await client.connect({ clientId: "a", username: device.id, password: device.token });
  expect(connack).toMatchObject({ type: "connack", reasonCode: 0 });
  const packets = Array.from({ length: packetPace.burst + beyond }, (_, index) =>
    publishPacket(device.topic("x"), "x", { packetId: index + 1 }),
  );
  for (let at = 0; at < packets.length; at += 100) client.send(...packets.slice(at, at + 100));
  return client;
}

describe("a device over its pace", () => {
  it("has every acknowledgement in the end, in order, without asking again", async () => {
    const client = await flooded();
    for (let id = 1; id <= packetPace.burst; id += 1)
      expect(await client.next()).toMatchObject({ type: "puback", packetId: id });
    expect(await client.isQuiet()).toBe(true);
    passTime(1000);
    for (let id = packetPace.burst + 1; id <= packetPace.burst + beyond; id += 1)
      expect(await client.next()).toMatchObject({ type: "puback", packetId: id });
  });
});
