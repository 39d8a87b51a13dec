import { withCrowd } from "../crowd.ts";
import { busyUnknown, type Outcome, pause } from "../measure.ts";
import { residentKib } from "../processes.ts";
import { commandTopic, type Target } from "../target.ts";

const connectionsCount = 1000;
/** What closed and idle connections leave behind is given this long to be cleared away. */
const settleMs = 3000;

/**
 * Resident memory of the broker per idle connection, in KiB. A connection is a device's that subscribes
 * to its commands. Only the first time tells: no process gives back all it ever took.
 */
export async function memory(target: Target): Promise<Outcome> {
  const logins = Array.from({ length: connectionsCount }, (_, index) => target.devices[index % target.devices.length]!);
  // Code and buffers that the first connections need are no connection's own.
  await withCrowd(target, (crowd) => crowd.connectAll("memory-warm", target.devices));
  await pause(settleMs);
  const before = residentKib(target.pid);
  const after = await withCrowd(target, async (crowd) => {
    const connections = await crowd.connectAll("memory", logins);
    for (const [index, connection] of connections.entries())
      await connection.subscribe(commandTopic(logins[index]!), 1);
    await pause(settleMs);
    return residentKib(target.pid);
  });
  return {
    value: (after - before) / connectionsCount,
    sent: connectionsCount,
    received: connectionsCount,
    unacknowledged: 0,
    ...busyUnknown,
  };
}
