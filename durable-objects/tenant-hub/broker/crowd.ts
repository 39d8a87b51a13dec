import { unheardBytesMax } from "./limits.ts";
import type { Route, Target } from "./routes.ts";
import type { SessionKey, Socket } from "./session.ts";

/**
 * The sockets that are all sent the same bytes, one form for 5.0 and one for before, for as long as nothing happens but
 * that one session publishes QoS 0 to one topic. A burst of messages to many subscribers is then judged once for each message and once for each
 * subscriber, and not for each of both: with 32 messages to 200 that was half of the object's time.
 *
 * It changes nothing that can be seen: whatever else happens ends it first (`disperse`), and what it counted for all
 * of its sockets together is then counted for each.
 */
export interface Crowd {
  readonly route: Route;
  readonly version: number;
  readonly publisher: SessionKey;
  readonly legacy: readonly Socket[];
  /** Those of 5.0. */
  readonly modern: readonly Socket[];
  /** Who gets the topic's messages in another form: to be served one by one. */
  readonly rest: readonly Target[];
  /** Bytes that were sent to each socket and stand in no socket's `unheardBytes` yet. */
  bytes: number;
  /** How many there may be before one of the sockets is over its bound. */
  readonly bytesMax: number;
}

/** What of the broker's state this is about. */
interface HasCrowd {
  crowd: Crowd | null;
}

/** Two sockets are cheaper together than apart. */
const socketsMin = 2;

/**
 * The crowd for a QoS 0 message that is not retained, with the message's bytes counted.
 * @param route up to date with the subscriptions
 * @returns null when there are too few sockets for one
 */
export function crowdFor(state: HasCrowd, route: Route, publisher: SessionKey, bytes: number): Crowd | null {
  const { crowd } = state;
  const serves =
    crowd !== null && crowd.route === route && crowd.version === route.version && crowd.publisher === publisher;
  if (serves && crowd.bytes + bytes <= crowd.bytesMax) {
    crowd.bytes += bytes;
    return crowd;
  }
  disperse(state);
  if (route.targets.length < socketsMin) return null;
  const made = gather(route, publisher, bytes);
  if (made.legacy.length + made.modern.length < socketsMin) return null;
  state.crowd = made;
  return made;
}

/** Counts for each socket what was counted for all. To be called before anything else than a crowd's next message. */
export function disperse(state: HasCrowd): void {
  const { crowd } = state;
  if (crowd === null) return;
  state.crowd = null;
  for (const socket of crowd.legacy) socket.unheardBytes += crowd.bytes;
  for (const socket of crowd.modern) socket.unheardBytes += crowd.bytes;
}

function gather(route: Route, publisher: SessionKey, bytes: number): Crowd {
  const legacy: Socket[] = [];
  const modern: Socket[] = [];
  const rest: Target[] = [];
  let bytesMax = Number.POSITIVE_INFINITY;
  for (const target of route.targets) {
    const socket = joins(target, publisher);
    const room = socket === null ? 0 : unheardBytesMax - socket.unheardBytes;
    if (socket === null || room < bytes) {
      rest.push(target);
      continue;
    }
    (socket.level === 5 ? modern : legacy).push(socket);
    if (room < bytesMax) bytesMax = room;
  }
  return { route, version: route.version, publisher, legacy, modern, rest, bytes, bytesMax };
}

/** Its socket, if it is sent exactly what others of its level are; the publisher's own changes with each of its packets. */
function joins({ session, identifiers }: Target, publisher: SessionKey): Socket | null {
  const socket = session.attached;
  if (socket === null || session.key === publisher) return null;
  const ownForm = identifiers !== null && socket.level === 5;
  return ownForm || socket.aliasesOutMax > 0 || socket.packetBytesMax !== null ? null : socket;
}
