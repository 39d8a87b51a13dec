/** A client that answers a delivery with a packet of another exchange (sections 4.3.2, 4.3.3). */
import { describe, expect } from "vitest";
import { check, expectFarewell } from "../support/check.ts";
import type { Client } from "../support/client.ts";
import { ack } from "../support/packets.ts";
import { newDevice } from "../support/target.ts";

const device = await newDevice();
const protocolError = 0x82;

describe.each([3, 4, 5] as const)("level %i", (level) => {
  /** A client to which a message of this QoS is under way, and the identifier. */
  async function delivery(qos: number): Promise<{ client: Client; id: number }> {
    const topic = device.scope()("a");
    const client = await device.connect(level);
    const publisher = await device.connect(level);
    await client.subscribe({ filter: topic, qos });
    await publisher.publish({ topic, qos });
    publisher.drop();
    return { client, id: (await client.expect("publish")).id };
  }

  for (const type of ["pubrec", "pubcomp"] as const)
    check(`QoS 1 answered with ${type.toUpperCase()} closes [MQTT-4.3.2-4]`, async () => {
      const { client, id } = await delivery(1);
      client.send(ack(type, id));
      await expectFarewell(client, protocolError);
    });

  for (const type of ["puback", "pubcomp"] as const)
    check(`QoS 2 answered with ${type.toUpperCase()} closes [MQTT-4.3.3-5]`, async () => {
      const { client, id } = await delivery(2);
      client.send(ack(type, id));
      await expectFarewell(client, protocolError);
    });

  check("PUBREL answered with PUBACK closes", async () => {
    const { client, id } = await delivery(2);
    client.send(ack("pubrec", id));
    await client.expect("pubrel");
    client.send(ack("puback", id));
    await expectFarewell(client, protocolError);
  });

  check("a repeated PUBREC is answered with PUBREL again [MQTT-4.3.3-5]", async () => {
    const { client, id } = await delivery(2);
    for (let round = 0; round < 3; round += 1) {
      client.send(ack("pubrec", id));
      expect((await client.expect("pubrel")).id).toBe(id);
    }
    client.send(ack("pubcomp", id), ack("pubcomp", id));
    expect(await client.fence()).toEqual([]);
    client.drop();
  });
});
