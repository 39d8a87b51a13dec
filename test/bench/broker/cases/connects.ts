import { Connection } from "../connection.ts";
import { inLanes } from "../crowd.ts";
import { type Outcome, stopwatch } from "../measure.ts";
import type { Target } from "../target.ts";

/**
 * Made all at once, ten of each device, and then closed together, which is not timed. So many because
 * mosquitto looks at new WebSockets only so often: fewer would measure how long it sleeps, 200 ms each.
 */
const batch = 1000;

/** Connections a second: TCP, upgrade, CONNECT with a device's credentials, CONNACK. */
export async function connects(target: Target, seconds: number): Promise<Outcome> {
  const logins = Array.from({ length: batch }, (_, index) => target.devices[index % target.devices.length]!);
  const openAll = (): Promise<Connection[]> =>
    inLanes(logins, batch, (login, index) => Connection.open(target, `connects-${index}`, login));
  const closeAll = async (connections: readonly Connection[]): Promise<void> => {
    await Promise.all(connections.map((connection) => connection.close()));
  };
  await closeAll(await openAll());
  let made = 0;
  let elapsedSeconds = 0;
  let brokerSeconds = 0;
  let generatorSeconds = 0;
  while (elapsedSeconds < seconds) {
    const watch = stopwatch(target);
    const connections = await openAll();
    const taken = watch();
    made += connections.length;
    elapsedSeconds += taken.elapsedSeconds;
    brokerSeconds += taken.brokerBusy * taken.elapsedSeconds;
    generatorSeconds += taken.generatorBusy * taken.elapsedSeconds;
    await closeAll(connections);
  }
  return {
    value: made / elapsedSeconds,
    sent: made,
    received: made,
    unacknowledged: 0,
    brokerBusy: brokerSeconds / elapsedSeconds,
    generatorBusy: generatorSeconds / elapsedSeconds,
  };
}
