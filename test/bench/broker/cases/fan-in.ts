import type { Connection } from "../connection.ts";
import { coalesced, withCrowd } from "../crowd.ts";
import { clientFrame } from "../frames.ts";
import { drained, type Outcome, observe, quiet } from "../measure.ts";
import { publishPacket, samplePayload } from "../packets.ts";
import { type Device, sampleTopic, type Target } from "../target.ts";

/** Publishes that a device sends in one write, each a frame of its own; a QoS 1 device has two such bursts under way. */
const burst = 8;
const burstsOfDevice = 2;
/** Messages on their way to the subscriber. Enough that no broker waits for the generator, and none must drop any. */
const underwayMax = 1600;

/** A burst of one device, encoded once: QoS 1 packets keep their ids, used again when all are acknowledged. */
interface Burst {
  readonly device: Connection;
  readonly frames: Buffer;
  unacknowledged: number;
}

/** A hundred devices publish as fast as one subscriber to everything receives. */
export function fanIn(publishQos: 0 | 1, subscribeQos: 0 | 1) {
  return (target: Target, seconds: number): Promise<Outcome> =>
    withCrowd(target, async (crowd) => {
      const devices = await crowd.connectAll("fan-in", target.devices);
      const reader = await crowd.connect("fan-in-reader", target.reader);
      let received = 0;
      reader.onPublish = () => {
        received += 1;
      };
      await reader.subscribe(target.everything, subscribeQos);
      await quiet(() => received);
      received = 0;
      if (subscribeQos === 0) crowd.keepHeard([reader]);

      let sent = 0;
      let acknowledged = 0;
      let sending = true;
      const ready: Burst[] = [];
      const pump = coalesced(() => {
        while (sending && sent + burst - received <= underwayMax) {
          const next = ready.shift();
          if (next === undefined) return;
          next.device.write(next.frames);
          sent += burst;
          if (publishQos === 0) ready.push(next);
          else next.unacknowledged = burst;
        }
      });
      devices.forEach((connection, index) => {
        const bursts = burstsOf(connection, target.devices[index] as Device, publishQos);
        ready.push(...bursts);
        connection.onPuback = (packetId) => {
          acknowledged += 1;
          const own = bursts[Math.floor((packetId - 1) / burst)] as Burst;
          own.unacknowledged -= 1;
          if (own.unacknowledged > 0) return;
          ready.push(own);
          pump();
        };
      });
      reader.onPublish = () => {
        received += 1;
        pump();
      };
      pump();
      const { rate, ...busy } = await observe(target, seconds, () => received);
      sending = false;
      const unacknowledged = (): number => (publishQos === 0 ? 0 : sent - acknowledged);
      await drained(
        () => received + acknowledged,
        () => received >= sent && unacknowledged() === 0,
      );
      return { value: rate, sent, received, unacknowledged: unacknowledged(), ...busy };
    });
}

function burstsOf(device: Connection, login: Device, qos: 0 | 1): Burst[] {
  return Array.from({ length: burstsOfDevice }, (_, index) => {
    const frames = Array.from({ length: burst }, (_, position) => {
      const packetId = qos === 0 ? null : index * burst + position + 1;
      return clientFrame(publishPacket(sampleTopic(login), samplePayload(position), packetId));
    });
    return { device, frames: Buffer.concat(frames), unacknowledged: 0 };
  });
}
