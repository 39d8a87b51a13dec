import { coalesced, withCrowd } from "../crowd.ts";
import { clientFrame } from "../frames.ts";
import { drained, type Outcome, observe, quiet } from "../measure.ts";
import { publishPacket, samplePayload } from "../packets.ts";
import { type Device, sampleTopic, type Target } from "../target.ts";

/** One device publishes QoS 0 to 200 subscribers, `inFlight` messages at once: each is over when the last subscriber has it. */
export function fanOut(inFlight: number) {
  return (target: Target, seconds: number): Promise<Outcome> =>
    withCrowd(target, async (crowd) => {
      const device = target.devices[0] as Device;
      const topic = sampleTopic(device);
      const subscribers = await crowd.connectAll("fan-out", target.audience);
      let received = 0;
      let sent = 0;
      let completed = 0;
      /** Subscribers that have a message; messages come in order, so a subscriber's nth is the nth that was sent. */
      const reached = new Uint16Array(inFlight);
      const frame = clientFrame(publishPacket(topic, samplePayload(0), null));
      const frames = Buffer.concat(Array.from({ length: inFlight }, () => frame));
      let sending = true;
      const publisher = await crowd.connect("fan-out-publisher", device);
      const pump = coalesced(() => {
        const room = sending ? completed + inFlight - sent : 0;
        if (room <= 0) return;
        publisher.write(frames.subarray(0, room * frame.length));
        sent += room;
      });
      for (const subscriber of subscribers) {
        await subscriber.subscribe(topic, 0);
        let own = 0;
        subscriber.onPublish = () => {
          received += 1;
          const slot = own % inFlight;
          own += 1;
          reached[slot] = (reached[slot] as number) + 1;
          if ((reached[slot] as number) < subscribers.length) return;
          reached[slot] = 0;
          completed += 1;
          pump();
        };
      }
      crowd.keepHeard(subscribers);
      await quiet(() => received);
      pump();
      const { rate, ...busy } = await observe(target, seconds, () => received);
      sending = false;
      const wanted = (): number => sent * subscribers.length;
      await drained(
        () => received,
        () => received >= wanted(),
      );
      return { value: rate, sent: wanted(), received, unacknowledged: 0, ...busy };
    });
}
