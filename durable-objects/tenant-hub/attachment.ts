import type { ProtocolLevel } from "../../core/mqtt/packets.ts";
import { seenSavedEveryMs } from "./broker/limits.ts";
import { newSocket, type SessionKey, type Socket, type SocketId, type UpgradeCredential } from "./broker/session.ts";
import type { BrokerState } from "./broker/state.ts";

/**
 * What a socket carries through hibernation, in the 16,384 B allowed: topics with an alias have at most
 * `aliasCharactersMax` characters one way and four of 512 the other, at two bytes each 12 KiB; everything else
 * is under 2 KiB, because a client id is bounded. A will or a half-received packet may be larger and lives in SQLite.
 */
export interface Attachment {
  readonly version: 2;
  readonly id: SocketId;
  /** Set when we closed it: a peer that never answers the close must not come back to life on wake. */
  readonly closed: boolean;
  readonly acceptedAtMs: number;
  readonly upgrade: UpgradeCredential | null;
  readonly level: ProtocolLevel;
  readonly session: SessionKey | null;
  readonly identity: Socket["identity"];
  readonly keepAliveSeconds: number;
  readonly lastSeenMs: number;
  readonly expiresAtMs: number | null;
  readonly receiveMaximum: number;
  readonly packetBytesMax: number | null;
  readonly problemInformation: boolean;
  readonly aliasesIn: readonly (readonly [number, string])[];
  readonly aliasesOut: readonly (readonly [string, number])[];
  readonly aliasesOutMax: number;
  /** Messages in flight that this connection has not been sent again yet. */
  readonly unsent: number;
  /** From where it comes, as the edge said it and the hub judged it (geo-watch.ts). */
  readonly geo: string | null;
  /** Acknowledgements are held back (broker/pacing.ts). */
  readonly paced: boolean;
  /** Unix milliseconds; null for never (see `Socket`). */
  readonly heldUntilMs: number | null;
}

/** What of a socket must survive. */
export function attachmentOf(socket: Socket, closed: boolean, geo: string | null): Attachment {
  return {
    version: 2,
    id: socket.id,
    closed,
    acceptedAtMs: socket.acceptedAtMs,
    upgrade: socket.upgrade,
    level: socket.level,
    session: socket.session?.key ?? null,
    identity: socket.identity,
    keepAliveSeconds: socket.keepAliveSeconds,
    lastSeenMs: socket.lastSeenMs,
    expiresAtMs: socket.expiresAtMs,
    receiveMaximum: socket.receiveMaximum,
    packetBytesMax: socket.packetBytesMax,
    problemInformation: socket.problemInformation,
    aliasesIn: [...socket.aliasesIn],
    aliasesOut: [...socket.aliasesOut],
    aliasesOutMax: socket.aliasesOutMax,
    unsent: socket.session?.unsent ?? 0,
    geo,
    paced: socket.withheld.length > 0,
    heldUntilMs: socket.heldUntilMs,
  };
}

/**
 * The socket an attachment describes. Its last packet may have come a little after the time that was
 * stored: nobody is taken for silent too early. A session that is gone leaves it `fresh`, to be ended by its deadline.
 */
export function socketOf(attachment: Attachment, state: BrokerState): Socket {
  const socket = newSocket(attachment.id, attachment.upgrade, attachment.acceptedAtMs);
  socket.level = attachment.level;
  socket.session = attachment.session === null ? null : (state.sessions.get(attachment.session) ?? null);
  socket.phase = socket.session === null ? "fresh" : "connected";
  socket.identity = attachment.identity;
  socket.keepAliveSeconds = attachment.keepAliveSeconds;
  socket.lastSeenMs = attachment.lastSeenMs + seenSavedEveryMs;
  socket.savedSeenMs = attachment.lastSeenMs;
  socket.expiresAtMs = attachment.expiresAtMs;
  socket.receiveMaximum = attachment.receiveMaximum;
  socket.packetBytesMax = attachment.packetBytesMax;
  socket.problemInformation = attachment.problemInformation;
  for (const [alias, topic] of attachment.aliasesIn) socket.aliasesIn.set(alias, topic);
  for (const [topic, alias] of attachment.aliasesOut) socket.aliasesOut.set(topic, alias);
  socket.aliasesOutMax = attachment.aliasesOutMax;
  socket.savedUnsent = attachment.unsent ?? 0;
  socket.savedPaced = attachment.paced ?? false;
  socket.heldUntilMs = attachment.heldUntilMs ?? null;
  return socket;
}
