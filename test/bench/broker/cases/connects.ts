import { Connection } from "../connection.ts";
import { inLanes } from "../crowd.ts";
import { type Busy, type Outcome, stopwatch } from "../measure.ts";
import type { Target } from "../target.ts";

/**
 * Made in one go, ten of each device, and then closed together, which is not timed. So many because
 * mosquitto looks at new WebSockets only so often: fewer would measure how long it sleeps, 200 ms each.
 */
const batch = 1000;
/** Under way at a time: Sentinel's edge refuses what an organisation has beyond 512, for its clients to come later. */
const lanes = 500;

/** Connections a second: TCP, upgrade, CONNECT with a device's credentials, CONNACK. */
export async function connects(target: Target, seconds: number): Promise<Outcome> {
  const logins = Array.from({ length: batch }, (_, index) => target.devices[index % target.devices.length]!);
  const openAll = (): Promise<Connection[]> =>
    inLanes(logins, lanes, (login, index) => Connection.open(target, `connects-${index}`, login));
  const closeAll = async (connections: readonly Connection[]): Promise<void> => {
    await Promise.all(connections.map((connection) => connection.close()));
  };
  await closeAll(await openAll());
  const watches: ReturnType<ReturnType<typeof stopwatch>>[] = [];
  const total = (value: (watch: (typeof watches)[number]) => number): number =>
    watches.reduce((sum, watch) => sum + value(watch), 0);
  while (total((watch) => watch.elapsedSeconds) < seconds) {
    const watch = stopwatch(target);
    const connections = await openAll();
    watches.push(watch());
    await closeAll(connections);
  }
  const made = watches.length * batch;
  const elapsedSeconds = total((watch) => watch.elapsedSeconds);
  const share = (of: keyof Busy): number => total((watch) => watch[of] * watch.elapsedSeconds) / elapsedSeconds;
  return {
    value: made / elapsedSeconds,
    sent: made,
    received: made,
    unacknowledged: 0,
    brokerBusy: share("brokerBusy"),
    generatorBusy: share("generatorBusy"),
    besideBroker: share("besideBroker"),
    besideGenerator: share("besideGenerator"),
  };
}
