import { packetBytesMax } from "../../../core/limits.ts";

/** QoS 1 and QoS 2 exchanges open at once towards one session; 32 largest packets are 2 MiB. */
export const inflightMax = 32;

/**
 * QoS 2 messages of one session that wait for the client's PUBREL. 3.1.1 gives the server no way to
 * slow a client down, so this is well over what one sends without reading an answer, and far below
 * the 65,535 ids there are: at some 40 bytes each, a device that fills all its 32 sessions holds 1.3 MB.
 */
export const receivedMax = 1024;

/**
 * What one session may have waiting while it is away. 5,000 devices with full queues are 2.5 GB of the
 * 10 GB that an object stores, and their bookkeeping some 32 MB of the 128 MB it runs in. The oldest
 * QoS 0 message makes room first; without one the new message is dropped, because what was queued
 * before was promised before.
 */
export const queueAwayMessagesMax = 128;
export const queueAwayBytesMax = 512 * 1024;

/** The same for a connected session: the retained messages of a wide subscription pass through it. */
export const queueConnectedMessagesMax = 4096;
export const queueConnectedBytesMax = 4 * 1024 * 1024;

/** Filters of one session; each is compared with every message of its device. */
export const subscriptionsMax = 128;

/** Retained topics of one device: its own names, `status` and `desired`, with room to spare. */
export const retainedTopicsMax = 64;

/** Longest client id, in characters: it is part of a storage key. */
export const clientIdCharactersMax = 256;

/**
 * Bytes sent to a socket since anything came from it. There is no `bufferedAmount` here, so this is the
 * only sign of a reader that has stalled; over it QoS 0 messages to that socket are dropped. A busy
 * dashboard reads 400 KB/s and pings each 60 s: 24 MB. It does not stop a reader that sends and never reads.
 */
export const unheardBytesMax = 32 * 1024 * 1024;

/** How long an ended login session is remembered: an access token lives one hour, and some skew. */
export const endedSessionMs = 3600_000 + 60_000;

/**
 * The outbox: 2 GiB of the object's 10 GB, an hour and a half of 5,000 devices reporting 400 bytes each
 * 5 s. At the bound QoS 1 and 2 telemetry is not acknowledged and its socket closes, so the device keeps it.
 */
export const outboxBytesMax = 2 * 1024 * 1024 * 1024;

/** Largest reply that is stored; a larger one is relayed only. */
export const replyBytesMax = 16 * 1024;

/** Objects in objects in a reply that is stored; the agent's deepest has four. */
export const replyDepthMax = 32;

if (packetBytesMax * inflightMax > 2 * 1024 * 1024) throw new Error("32 packets in flight must fit 2 MiB");
