import { deviceSessionsMax } from "../../core/limits.ts";
import { eventually } from "../e2e/support/api.ts";
import type { StackProcess } from "../e2e/support/stack-process.ts";
import { addressOf } from "./client/link.ts";
import { Session } from "./client/session.ts";
import { Crowd, checkFileLimit } from "./crowd.ts";
import { openOrganisation } from "./database.ts";
import { knockAtNoDoor, sayNothing } from "./doors.ts";
import { Victims } from "./kills/victims.ts";
import { mib, workerdMib } from "./memory.ts";
import { hold, type Progress, pause, type SoakOptions } from "./part.ts";
import { Pings } from "./pings.ts";
import { enrolDevices, signInAsOwner, withStack } from "./stacks.ts";

const socketsCount = 5000;
/** Rounds in which everybody publishes at once while all is well; one more follows each storm. */
const roundsCount = 2;
/** Who comes back after a release is connected by then: hints go up to 15 s, and some get several. */
const connectMsMax = 180_000;
/** How long the last messages may be on their way to a subscriber or to Postgres, in milliseconds. */
const arriveMsMax = 180_000;
const silentCount = 100;
const strangersCount = 200;

/** Five thousand devices' sockets come at once, publish at once, are cut off at once and come back at once. */
export function soakSockets(_options: SoakOptions, progress: Progress): Promise<string> {
  checkFileLimit(socketsCount);
  progress.say("starting the stack");
  return withStack(async (stack) => {
    const { description, stateDir } = stack;
    const memory = (): string => mib(workerdMib(stack));
    progress.say("enrolling");
    const devices = await enrolDevices(stack, Math.ceil(socketsCount / deviceSessionsMax) + 1);
    const watching = devices.pop() as (typeof devices)[number];
    const address = addressOf(watching.mqtt_url);
    progress.say("knocking where nobody lives, and saying nothing");
    await knockAtNoDoor(stack, strangersCount);
    const silent = await sayNothing(address, silentCount);
    const login = { username: watching.device_id, password: watching.token };
    const watcher = new Session({ address, level: 5, clientId: "soak-watcher", ...login });
    const pinged = [watcher];
    const pings = new Pings(() => pinged);
    const subscribers = [await subscribeAsUser(stack, 0), await subscribeAsUser(stack, 1)] as const;
    const [dashboard, reliable] = subscribers;
    const before = workerdMib(stack);

    const crowd = new Crowd(devices, socketsCount);
    pinged.push(...crowd.sessions);
    progress.say(() => `${crowd.connected} of ${socketsCount} sockets connected; workerd ${memory()}`);
    const connectMs = await crowd.allConnected(connectMsMax);
    const first = crowd.counts;
    const connected = workerdMib(stack);
    const pingsStorm = pings.take();

    let acknowledged = 0;
    const acknowledge = (): void => {
      acknowledged += 1;
    };
    const publishMs: number[] = [];
    progress.say(() => `${acknowledged} acknowledged, ${seen(subscribers)}; workerd ${memory()}`);
    for (let round = 0; round < roundsCount; round += 1) {
      publishMs.push(await crowd.publishAll(round, acknowledge));
      await allArrive(subscribers, (round + 1) * socketsCount);
    }
    const again = crowd.counts.connections - socketsCount;
    hold(again === 0 && crowd.connected === socketsCount, `sockets were closed by the other side; ${again} came back`);
    const pingsPublish = pings.take();

    progress.say(() => `workerd is killed: ${crowd.connected} of ${socketsCount} back; workerd ${memory()}`);
    const victims = new Victims(stateDir, description.url);
    const killed = await victims.kill("workerd");
    hold(killed !== null, "workerd was not there to be killed");
    // What is published now goes out with the reconnect, as a device's own queue does.
    const published = crowd.publishAll(roundsCount, acknowledge);
    await eventually("the sockets are cut off", async () => crowd.connected === 0);
    const backMs = await crowd.allConnected(connectMsMax);
    const publishedMs = await published;
    const second = crowd.counts;
    const pingsBack = pings.take();
    await victims.back(new Map([["workerd", killed]]));
    await eventually("the subscribers are back", async () => subscribers.every(({ session }) => session.ready));
    const after = workerdMib(stack);

    for (const { seen } of subscribers) seen.clear();
    publishMs.push(await crowd.publishAll(roundsCount + 1, acknowledge));
    await allArrive(subscribers, socketsCount);
    crowd.check();
    for (const { session } of subscribers) hold(session.faults.length === 0, session.faults[0] ?? "");
    progress.say(() => `waiting for Postgres; workerd ${memory()}`);
    const total = socketsCount * (roundsCount + 2);
    const database = await openOrganisation(description.databaseUrls, description.org.id);
    await eventually("all stored", async () => (await database.sampleCount()) >= total, arriveMsMax);
    const stored = await database.sampleCount();
    hold(stored === total, `${stored} samples of ${total} are stored`);
    await pings.stop();
    for (const session of [watcher, dashboard.session, reliable.session]) session.end();
    crowd.end();
    const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
    return (
      `${socketsCount} sockets of ${devices.length} devices, all at once: connected in ${seconds(connectMs)}, ${first.refusals} refused by CONNACK, ${first.attempts - first.connections} tries in vain (${pingsStorm}); ` +
      `one QoS 1 message of each at once: acknowledged in ${publishMs.map(seconds).join(", ")} (${pingsPublish}), each seen by the dashboard and by a QoS 1 subscriber (${reliable.again} twice); ` +
      `after workerd was killed: all back in ${seconds(backMs)}, ${second.refusals - first.refusals} refused, ${second.attempts - first.attempts - socketsCount} tries in vain, each one's message acknowledged within ${seconds(publishedMs)} (${pingsBack}); ${total} samples stored once; ` +
      `workerd ${mib(before)} before, ${mib(connected)} connected (${(((connected - before) * 1024) / socketsCount).toFixed(0)} KiB a socket), ${mib(after)} after the second storm; ` +
      `${silentCount} sockets without CONNECT closed after ${seconds(silent.first)} to ${seconds(silent.last)}; no hub for ${strangersCount} organisations that nobody has`
    );
  });
}

interface Subscriber {
  readonly session: Session;
  readonly seen: Set<string>;
  again: number;
}

/** A user's token and the whole organisation, as the dashboard has them; it subscribes with QoS 0. */
async function subscribeAsUser(stack: StackProcess, qos: 0 | 1): Promise<Subscriber> {
  const { api, userId } = await signInAsOwner(stack);
  const { id } = stack.description.org;
  const seen = new Set<string>();
  const session = new Session({
    address: addressOf(`${stack.description.url.replace("http", "ws")}/mqtt/${id}`),
    level: 4,
    username: userId,
    password: api.token ?? "",
    clientId: `soak-user-${qos}`,
    filter: `sentinel/${id}/devices/+/telemetry`,
    qos,
    onMessage: ({ payload }) => {
      const sample = JSON.parse(Buffer.from(payload).toString()) as { id: string };
      if (seen.has(sample.id)) subscriber.again += 1;
      seen.add(sample.id);
    },
  });
  const subscriber: Subscriber = { session, seen, again: 0 };
  await eventually("a subscriber is connected", async () => session.ready, arriveMsMax);
  return subscriber;
}

async function allArrive(subscribers: readonly Subscriber[], count: number): Promise<void> {
  const arrived = (): boolean => subscribers.every(({ seen }) => seen.size >= count);
  for (const end = Date.now() + arriveMsMax; !arrived(); await pause(20))
    hold(Date.now() < end, `of ${count} acknowledged messages ${seen(subscribers)}`);
}

const seen = (subscribers: readonly Subscriber[]): string =>
  subscribers.map(({ seen, session }) => `${seen.size} at ${session.options.clientId}`).join(", ");
