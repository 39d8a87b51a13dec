import { quantile } from "../../statistics.ts";
import { withCrowd } from "../crowd.ts";
import { clientFrame } from "../frames.ts";
import { drained, type Outcome, pause, quiet, stopwatch } from "../measure.ts";
import { publishPacket, samplePayload, sequenceOf } from "../packets.ts";
import { type Device, sampleTopic, type Target } from "../target.ts";

const offeredPerSecond = 5000;
const warmUpSeconds = 1;

/**
 * A hundred devices together publish 5,000 QoS 1 messages a second to a QoS 1 subscriber, whatever the
 * broker makes of it. @returns p99 from the write of a message until it is read, in milliseconds
 */
export function latency(target: Target, seconds: number): Promise<Outcome> {
  return withCrowd(target, async (crowd) => {
    const devices = await crowd.connectAll("latency", target.devices);
    const reader = await crowd.connect("latency-reader", target.reader);
    let received = 0;
    reader.onPublish = () => {
      received += 1;
    };
    await reader.subscribe(target.everything, 1);
    await quiet(() => received);
    received = 0;

    const sentAtMs: number[] = [];
    const latenciesMs: number[] = [];
    let acknowledged = 0;
    const warmUp = offeredPerSecond * warmUpSeconds;
    reader.onPublish = (bytes, end) => {
      received += 1;
      const sequence = sequenceOf(bytes, end);
      if (sequence >= warmUp) latenciesMs.push(performance.now() - sentAtMs[sequence]!);
    };
    for (const device of devices) {
      device.onPuback = () => {
        acknowledged += 1;
      };
    }
    const publish = (sequence: number): void => {
      const index = sequence % devices.length;
      // An id comes again after 65,000 messages of its device: long after its PUBACK, or the case has failed.
      const packetId = (Math.floor(sequence / devices.length) % 0xffff) + 1;
      const topic = sampleTopic(target.devices[index] as Device);
      const frame = clientFrame(publishPacket(topic, samplePayload(sequence), packetId));
      sentAtMs.push(performance.now());
      devices[index]!.write(frame);
    };

    const total = warmUp + offeredPerSecond * seconds;
    const startedAtMs = performance.now();
    let watch = stopwatch(target);
    while (sentAtMs.length < total) {
      const due = Math.min(total, Math.floor(((performance.now() - startedAtMs) / 1000) * offeredPerSecond));
      if (sentAtMs.length < warmUp && due >= warmUp) watch = stopwatch(target);
      while (sentAtMs.length < due) publish(sentAtMs.length);
      await pause(1);
    }
    const { elapsedSeconds: _, ...busy } = watch();
    await drained(
      () => received + acknowledged,
      () => received >= total && acknowledged >= total,
    );
    const value = quantile(latenciesMs, 0.99);
    return { value, sent: total, received, unacknowledged: total - acknowledged, ...busy };
  });
}
