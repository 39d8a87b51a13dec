import { coalesced, withCrowd } from "../crowd.ts";
import { clientFrame } from "../frames.ts";
import { drained, type Outcome, observe, quiet } from "../measure.ts";
import { publishPacket, samplePayload } from "../packets.ts";
import { commandTopic, type Target } from "../target.ts";

const devicesCommanded = 64;

/**
 * A user commands 64 devices in turn, each subscribed to its own commands. A command is over when its
 * device has it and, at QoS 1, the user its PUBACK; then that place in flight is free for the next.
 */
export function commands(qos: 0 | 1, inFlight: number) {
  return (target: Target, seconds: number): Promise<Outcome> =>
    withCrowd(target, async (crowd) => {
      const logins = target.devices.slice(0, devicesCommanded);
      const devices = await crowd.connectAll("commanded", logins);
      for (const [index, device] of devices.entries()) await device.subscribe(commandTopic(logins[index]!), qos);
      const user = await crowd.connect("commander", target.reader);

      const frames = logins.map((login, index) =>
        clientFrame(publishPacket(commandTopic(login), samplePayload(index), qos === 0 ? null : index + 1)),
      );
      let sent = 0;
      let received = 0;
      let acknowledged = 0;
      let sending = true;
      /** What a device's command still waits for: its delivery, and its PUBACK at QoS 1. */
      const awaited = new Uint8Array(devicesCommanded);
      let underway = 0;
      const pump = coalesced(() => {
        const batch: Buffer[] = [];
        while (sending && underway < inFlight) {
          const device = sent % devicesCommanded;
          // In turn: a slow device holds the others up, as it does nowhere else, but every broker alike.
          if (awaited[device] !== 0) break;
          awaited[device] = 1 + qos;
          underway += 1;
          sent += 1;
          batch.push(frames[device]!);
        }
        if (batch.length > 0) user.write(batch.length === 1 ? batch[0]! : Buffer.concat(batch));
      });
      const step = (device: number): void => {
        awaited[device]! -= 1;
        if (awaited[device] !== 0) return;
        underway -= 1;
        pump();
      };
      await quiet(() => received);
      for (const [index, device] of devices.entries()) {
        device.onPublish = () => {
          received += 1;
          step(index);
        };
      }
      user.onPuback = (packetId) => {
        acknowledged += 1;
        step(packetId - 1);
      };
      pump();
      const { rate, ...busy } = await observe(target, seconds, () => received);
      sending = false;
      await drained(
        () => received + acknowledged,
        () => received >= sent && (qos === 0 || acknowledged >= sent),
      );
      return { value: rate, sent, received, unacknowledged: qos === 0 ? 0 : sent - acknowledged, ...busy };
    });
}
