/** Every rate class: how many requests one client may make in any 60 seconds (docs/limits.md argues the figures). */
export const rateLimits = {
  /** Everything that a client asks of the API; what has a class of its own counts here as well. */
  default: 100,
  /** Sign-in and its siblings, by address: guessing passwords is slower than reading. */
  sign_in: 30,
  /** Proving again who one is, by person: nobody mistypes ten times a minute, and a stolen session should not try. */
  mfa: 10,
  /** Enrolments without a valid code, by address: guesses. One that has a valid code counts for the code. */
  enrollment: 10,
  billing: 10,
  /** What a payment provider tells, by its address: it comes from a dozen of them, for every organisation at once. */
  payment_events: 300,
  org_creation: 5,
  /** WebSocket upgrades: a school's devices reconnect from one address after an outage. */
  mqtt_connect: 600,
  /** Static files of the dashboard: one page load is some 30 of them, and no object or unit is asked for one. */
  assets: 600,
} as const;
export type RateClass = keyof typeof rateLimits;

/**
 * All verified requests of one organisation together, in any 60 seconds: sixty people or programs at their own
 * limit at once, or six hundred who open a page of ten requests in the same minute. It may set itself less (tenancy/limits-policy.ts).
 */
export const tenantRequestsMax = 6_000;

/** Requests of one address or verified credential in 60 s, per location and loosely; wrangler.toml says the same. */
export const floodRequestsMax = 1_200;

/** Devices that may enrol with one code in any 60 seconds, unless a roll-out is on. */
export const enrollmentCodePerMinute = 10;
/** … and with one: 500 machines of a school in a minute. */
export const rolloutPerMinuteMax = 600;
/** A roll-out ends by itself after a day at most: one that was forgotten must not stay. In minutes. */
export const rolloutMinutesMax = 24 * 60;

/** The window of every exact limit, in milliseconds. */
export const rateWindowMs = 60_000;

/**
 * A request that was counted ahead is used within this long of being asked for, in milliseconds, else its place lapses.
 * It was counted no earlier than it was asked for, so a window that is this much longer keeps the limit exact.
 */
export const permitMs = 1_000;

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
