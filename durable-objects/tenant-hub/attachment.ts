import type { Socket, SocketId, UpgradeCredential } from "./broker/state.ts";

/**
 * What a socket carries through hibernation: below 1 KiB of the 16,384 B allowed, because a client id
 * is bounded. A will or a half-received packet may be larger and lives in SQLite.
 */
export interface Attachment {
  readonly version: 1;
  readonly id: SocketId;
  /** Set when we closed it: a peer that never answers the close must not come back to life on wake. */
  readonly closed: boolean;
  readonly acceptedAtMs: number;
  readonly upgrade: UpgradeCredential | null;
  readonly session: string | null;
  readonly identity: Socket["identity"];
  readonly keepAliveSeconds: number;
  readonly lastSeenMs: number;
  readonly expiresAtMs: number | null;
}

/** What of a socket must survive. */
export function attachmentOf(socket: Socket, closed: boolean): Attachment {
  const { id, acceptedAtMs, upgrade, session, identity, keepAliveSeconds, lastSeenMs, expiresAtMs } = socket;
  return {
    version: 1,
    id,
    closed,
    acceptedAtMs,
    upgrade,
    session,
    identity,
    keepAliveSeconds,
    lastSeenMs,
    expiresAtMs,
  };
}

/** The socket an attachment describes. */
export function socketOf(attachment: Attachment): Socket {
  const { id, acceptedAtMs, upgrade, identity, keepAliveSeconds, lastSeenMs, expiresAtMs } = attachment;
  return {
    id,
    acceptedAtMs,
    upgrade,
    phase: attachment.session === null ? "fresh" : "connected",
    connect: null,
    session: attachment.session as Socket["session"],
    identity,
    keepAliveSeconds,
    lastSeenMs,
    expiresAtMs,
    unheardBytes: 0,
  };
}
