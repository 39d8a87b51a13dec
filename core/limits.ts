/** Every rate class: how many requests one key may make in any 60 seconds. */
export const rateLimits = {
  /** Everything that has no class of its own. */
  default: 100,
  /** Sign-in and its siblings: guessing passwords is slower than reading. */
  sign_in: 30,
  enrollment: 10,
  billing: 10,
  org_creation: 5,
  /** WebSocket upgrades: a school's devices reconnect from one address after an outage. */
  mqtt_connect: 600,
  /** Static files of the dashboard: one page load is some 30 of them. */
  assets: 600,
} as const;
export type RateClass = keyof typeof rateLimits;

/** The window of every exact limit, in milliseconds. */
export const rateWindowMs = 60_000;

/** Largest limit that can be counted exactly, in requests a window; a scale that asks for more gets this. */
export const rateLimitMax = 1_000_000;

/** Largest JSON body of a route that declares nothing else; a page of settings is far below. */
export const bodyBytesDefaultMax = 64 * 1024;

/** Largest request target (path and query): browsers and proxies agree on about 8 KiB. */
export const requestTargetBytesMax = 8 * 1024;

/** Items in one page of any list. */
export const pageItemsMax = 200;
export const pageItemsDefault = 50;

/** An access token's life, in seconds (ARCHITECTURE: JWT 1 h). */
export const accessTokenSecondsMax = 3600;
/** A session's absolute and idle life, in milliseconds (NIST 800-63B-4 AAL2: 24 h and 1 h). */
export const sessionMsMax = 24 * 3600_000;
export const sessionIdleMsMax = 3600_000;
/** How old the proof of a person may be for a route that wants step-up, in milliseconds. */
export const stepUpMsMax = 10 * 60_000;
/** An assertion between Workers lives at most this long, in seconds. */
export const assertionSecondsMax = 60;
/** An isolate's certificate lives this long, in seconds. */
export const certificateSecondsMax = 3600;
/** Clock skew tolerated between Workers, in seconds. */
export const clockSkewSecondsMax = 10;

/** Largest MQTT packet. 32 in flight stay under one 2 MiB stored value. */
export const packetBytesMax = 64 * 1024;
/** Sessions a device may keep; a further one pushes out the longest disconnected. */
export const deviceSessionsMax = 32;
/** A socket that has sent no CONNECT by then is closed. */
export const connectTimeoutMs = 10_000;
