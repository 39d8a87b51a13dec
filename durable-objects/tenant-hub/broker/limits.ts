import { packetBytesMax } from "../../../core/limits.ts";

/**
 * QoS 1 and QoS 2 exchanges open at once towards one session, unless its Receive Maximum is lower. As many
 * as a busy subscriber acknowledges in one round trip; in bytes, 32 largest packets.
 */
export const inflightMax = 512;
export const inflightBytesMax = 2 * 1024 * 1024;

/**
 * Our own Receive Maximum (5.0, section 3.2.2.3.3): QoS 2 messages of one session that wait for the
 * client's PUBREL. At some 40 bytes each, a device that fills all its 32 sessions holds 330 KB.
 */
export const receiveMaximum = 256;

/**
 * The same for a client of 3.1 or 3.1.1, which can't be told: well over what one sends without reading an
 * answer, and far below the 65,535 ids there are.
 */
export const receivedMax = 1024;

/** Our Topic Alias Maximum. All of them travel in the socket's attachment (16,384 bytes). */
export const topicAliasMaximum = 10;
/** Topic aliases that we set towards one client: its dashboards watch few topics often. */
export const aliasesOutMax = 4;
/** Characters of all topics with an alias on one connection; two bytes each at worst in the attachment. */
export const aliasCharactersMax = 4096;

/**
 * Longest keep-alive granted to a 5.0 client, in seconds: so long may a device that vanished without a
 * word show as online. A client that declares that it watches the link itself, by WebSocket pings, may
 * have an hour and a half: its pings cost us nothing, and each PINGREQ would wake the object.
 */
export const keepAliveSecondsMax = 60;
export const keepAliveWatchedSecondsMax = 5400;
/** The CONNECT user property that declares it, and its value. */
export const linkProperty = "sentinel-link";
export const linkWatched = "websocket-ping";

/** How far the stored time of a socket's last packet may be behind, in milliseconds. */
export const seenSavedEveryMs = 1000;

/**
 * What one session may have waiting while it is away. 5,000 devices with full queues are 2.5 GB of the
 * 10 GB that an object stores, and their bookkeeping some 32 MB of the 128 MB it runs in. QoS 0
 * messages don't wait for anybody. Over the bound the new message is dropped, because what was queued
 * before was promised before.
 */
export const queueAwayMessagesMax = 128;
export const queueAwayBytesMax = 512 * 1024;

/** The same for a connected session: the retained messages of a wide subscription pass through it. */
export const queueConnectedMessagesMax = 16_384;
export const queueConnectedBytesMax = 16 * 1024 * 1024;

/** Filters of one session; each is compared with every message of its device. */
export const subscriptionsMax = 128;
/** Characters of all filters of one session: a full house of 5,000 devices' sessions stays below 100 MB. */
export const subscriptionCharactersMax = 64 * 1024;

/** Retained topics of one device: its own names, `status` and `desired`, with room to spare. */
export const retainedTopicsMax = 64;
/** Bytes of one device's retained messages, topics included; 64 of a screenful each. */
export const retainedDeviceBytesMax = 1024 * 1024;
/** Bytes of a tenant's retained messages: 2 GiB of the object's 10 GB. */
export const retainedBytesMax = 2 * 1024 * 1024 * 1024;

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

/**
 * How long a 3.x client keeps its connection when the day's messages are used up, in milliseconds: then it ends, and
 * sends again what was not acknowledged. 5,000 of them are some 17 connections a second.
 */
export const dayFullHoldMs = 5 * 60_000;

/** Largest reply that is stored; a larger one is relayed only. */
export const replyBytesMax = 16 * 1024;

/** Objects in objects in a reply that is stored; the agent's deepest has four. */
export const replyDepthMax = 32;

if (packetBytesMax > inflightBytesMax) throw new Error("one largest packet must fit the window");
