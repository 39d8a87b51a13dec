import type { PublishPacket } from "../../core/mqtt/packets.ts";
import { inflightMax, queueConnectedMessagesMax } from "../../durable-objects/tenant-hub/broker/limits.ts";
import type { EnrolledDevice } from "../e2e/support/api.ts";
import type { StackProcess } from "../e2e/support/stack-process.ts";
import { addressOf } from "./client/link.ts";
import { Session } from "./client/session.ts";
import { mib, workerdMib } from "./memory.ts";
import { hold, type Progress, pause, type SoakOptions } from "./part.ts";
import { Pings } from "./pings.ts";
import { enrolDevices, signInAsOwner, withStack } from "./stacks.ts";

const stalledCount = 4;
/** QoS 0: half a gigabyte for each subscriber, far over what the bound allows one that does not read. */
const bulkMessages = 9000;
const bulkBytes = 60 * 1024;
/** QoS 1: more than a session may have waiting. */
const ordersCount = queueConnectedMessagesMax + 8 * inflightMax;
/** How far a publisher goes ahead of the subscriber that reads. */
const aheadMax = { bulk: 64, orders: 256 } as const;
/** A subscriber that sends nothing else shows that it reads, so many messages apart: 6 MB. */
const pingEvery = 100;
/** A subscriber that has stopped reading and still pings does so this often, in milliseconds. */
const pingOfStalledMs = 100;
/**
 * What a reader that has stalled may cost: 32 MiB that were sent and not answered, 2 MiB in flight, and
 * half as much again for what holds them. Everything that was meant for it is ten times as much.
 */
const stalledMibMax = 52;
const arriveMsMax = 120_000;

/** Some subscribers stop reading while traffic goes on: they cost no more than their bound, and the others nothing. */
export function soakSlow(_options: SoakOptions, progress: Progress): Promise<string> {
  progress.say("starting the stack");
  return withStack(async (stack) => {
    const [device] = (await enrolDevices(stack, 1)) as [EnrolledDevice];
    const room = await openRoom(stack, device);
    const { prompt, stalled, pings } = room;
    progress.say(() => `everybody reads: ${seen(prompt)}; workerd ${mib(workerdMib(stack))}`);
    await traffic(room, device, [...prompt, ...stalled]);
    const before = workerdMib(stack);
    const pingsBefore = pings.take();
    for (const { session } of stalled) session.stopReading();
    // Half of them go on saying that they live: that is no proof of reading.
    const lying = setInterval(() => {
      for (const [index, { session }] of stalled.entries()) if (index % 2 === 0) session.sayAlive();
    }, pingOfStalledMs);
    const had = stalled.map(({ orders }) => orders.length);
    for (const subscriber of prompt) forget(subscriber);
    progress.say(() => `${stalledCount} don't read: ${seen(prompt)} for the rest; workerd ${mib(workerdMib(stack))}`);
    await traffic(room, device, prompt).finally(() => clearInterval(lying));
    const during = workerdMib(stack);
    const pingsDuring = pings.take();
    const grown = during - before;
    const grownMax = stalledCount * stalledMibMax;
    hold(
      !(grown > grownMax),
      `workerd grew by ${mib(grown)} for ${stalledCount} that don't read; at most ${grownMax} MiB`,
    );
    for (const { session } of stalled) session.readOn();
    const wanted = queueConnectedMessagesMax;
    const waiting = (): number => Math.min(...stalled.map(({ orders }, index) => orders.length - (had[index] ?? 0)));
    progress.say(() => `they read on: ${waiting()} of ${wanted} QoS 1 messages`);
    for (const end = Date.now() + arriveMsMax; waiting() < wanted && Date.now() < end; ) await pause(50);
    for (const [index, subscriber] of stalled.entries()) checkOwed(subscriber, had[index] ?? 0, wanted);
    await pings.stop();
    for (const { session } of [...prompt, ...stalled]) hold(session.faults.length === 0, session.faults[0] ?? "");
    for (const { session } of [...prompt, ...stalled]) session.end();
    return (
      `${stalledCount} of ${stalledCount + prompt.length} subscribers stopped reading (half of them went on pinging) while ${bulkMessages} QoS 0 messages (${((bulkMessages * bulkBytes) / 2 ** 20).toFixed(0)} MiB) and ${ordersCount} QoS 1 messages were published; ` +
      `the others got each of them; workerd ${mib(before)} with everybody reading, ${mib(during)} then (bound: ${grownMax} MiB more); ${pingsBefore} before, ${pingsDuring} meanwhile; ` +
      `afterwards each stalled one got the ${wanted} that waited for it, in order`
    );
  });
}

interface Subscriber {
  readonly session: Session;
  /** Numbers of the QoS 1 messages, as they came. */
  orders: number[];
  bulk: number;
}

interface Room {
  readonly publisher: Session;
  readonly prompt: readonly Subscriber[];
  readonly stalled: readonly Subscriber[];
  readonly pings: Pings;
}

async function openRoom(stack: StackProcess, device: EnrolledDevice): Promise<Room> {
  const { api, userId } = await signInAsOwner(stack);
  const address = addressOf(device.mqtt_url);
  const subscribe = (clientId: string, level: 4 | 5, qos: 0 | 1): Subscriber => {
    const subscriber: Subscriber = { orders: [], bulk: 0, session: null as never };
    const onMessage = ({ topic, payload }: PublishPacket): void => {
      if (topic.endsWith("/orders")) subscriber.orders.push(Number(Buffer.from(payload).toString()));
      else subscriber.bulk += 1;
      if (topic.endsWith("/bulk") && subscriber.bulk % pingEvery === 0) subscriber.session.sayAlive();
    };
    const login = { username: userId, password: api.token ?? "" };
    const filter = `${device.topic_prefix}slow/+`;
    const session = new Session({ address, level, clientId, ...login, filter, qos, onMessage });
    return Object.assign(subscriber, { session });
  };
  const prompt = [subscribe("soak-prompt-0", 5, 0), subscribe("soak-prompt-1", 4, 1)];
  const stalled = Array.from({ length: stalledCount }, (_, index) =>
    subscribe(`soak-stalled-${index}`, index % 2 === 0 ? 4 : 5, 1),
  );
  const login = { username: device.device_id, password: device.token };
  const publisher = new Session({ address, level: 5, clientId: "soak-publisher", ...login });
  const watcher = new Session({ address, level: 5, clientId: "soak-watcher", ...login });
  const all = [publisher, watcher, ...[...prompt, ...stalled].map(({ session }) => session)];
  for (const end = Date.now() + arriveMsMax; !all.every((session) => session.ready); await pause(20))
    hold(Date.now() < end, "not everybody is connected within two minutes");
  return { publisher, prompt, stalled, pings: new Pings(() => [watcher]) };
}

/** Everything of both kinds, as fast as the readers take it. @throws Violation when one of them does not get all */
async function traffic({ publisher }: Room, device: EnrolledDevice, readers: readonly Subscriber[]): Promise<void> {
  const bulk = Buffer.alloc(bulkBytes, "b");
  const goesOn = (): boolean => publisher.connected && readers.every(({ session }) => session.connected);
  const ahead = async (sent: number, max: number, got: (subscriber: Subscriber) => number): Promise<void> => {
    for (const end = Date.now() + arriveMsMax; sent - Math.min(...readers.map(got)) >= max; await pause(1)) {
      hold(goesOn(), "somebody who reads lost the connection");
      hold(Date.now() < end, `those that read get nothing any more: ${seen(readers)}`);
    }
  };
  const sendBulk = async (): Promise<void> => {
    for (let sent = 0; sent < bulkMessages; sent += 1) {
      await ahead(sent, aheadMax.bulk, (subscriber) => subscriber.bulk);
      publisher.publishUnacknowledged(`${device.topic_prefix}slow/bulk`, bulk);
    }
    await ahead(bulkMessages, 1, (subscriber) => subscriber.bulk);
  };
  const sendOrders = async (): Promise<void> => {
    for (let sent = 0; sent < ordersCount; sent += 1) {
      while (publisher.unfinished >= aheadMax.orders / 2) await pause(1);
      await ahead(sent, aheadMax.orders, ({ orders }) => orders.length);
      void publisher.publish(`${device.topic_prefix}slow/orders`, Buffer.from(String(sent)), 1);
    }
    await ahead(ordersCount, 1, ({ orders }) => orders.length);
  };
  await Promise.all([sendBulk(), sendOrders()]);
}

/** What was stored for it while it did not read comes in order and without a gap. */
function checkOwed({ orders, session }: Subscriber, from: number, wanted: number): void {
  const owed = orders.slice(from, from + wanted);
  const { clientId } = session.options;
  hold(owed.length === wanted, `${clientId} got ${owed.length} of ${wanted} messages that waited for it`);
  const wrong = owed.findIndex((number, index) => number !== index);
  hold(wrong === -1, `${clientId} got ${owed[wrong]} where ${wrong} was due`);
}

function forget(subscriber: Subscriber): void {
  subscriber.orders = [];
  subscriber.bulk = 0;
}

const seen = (subscribers: readonly Subscriber[]): string =>
  subscribers.map(({ bulk, orders }) => `${bulk} + ${orders.length}`).join(", ");
