import { createHash, createHmac, hkdfSync, timingSafeEqual } from "node:crypto";

/**
 * Studio's own symmetric keys, all derived from the secret CURSOR_KEY by HKDF-SHA-256 with a label
 * each (RFC 5869 §3.2), so that no two uses share a key. Changing CURSOR_KEY makes open cursors
 * invalid, open refresh families unusable beyond the token in hand, kept idempotent answers
 * unreadable, counted attempts and known browsers forgotten; nothing else.
 */
export interface DerivedKeys {
  /** Authenticates page cursors. */
  readonly cursor: Uint8Array;
  /** Derives a refresh token's one successor. */
  readonly refresh: Uint8Array;
  /** Salt and MAC key of idempotency records. */
  readonly idempotency: Uint8Array;
  /** Hashes what attempts are counted by, so that the table names nobody. */
  readonly throttle: Uint8Array;
  /** Authenticates device cookies. */
  readonly device: Uint8Array;
}

export function deriveKeys(rootKey: Uint8Array): DerivedKeys {
  const derive = (label: string): Uint8Array =>
    new Uint8Array(hkdfSync("sha256", rootKey, new Uint8Array(0), `sentinel/studio/${label}`, 32));
  return {
    cursor: derive("cursor"),
    refresh: derive("refresh"),
    idempotency: derive("idempotency"),
    throttle: derive("throttle"),
    device: derive("device"),
  };
}

/** Lower-case hex SHA-256: how every random secret is stored. 256 random bits need no salt. */
export function sha256Hex(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** HMAC-SHA-256 over parts that are length-prefixed, so that no two lists of parts collide. */
export function mac(key: Uint8Array, parts: readonly string[]): Buffer {
  const hmac = createHmac("sha256", key);
  for (const part of parts) {
    const bytes = Buffer.from(part, "utf8");
    hmac.update(`${bytes.length}:`).update(bytes);
  }
  return hmac.digest();
}

/** Compares in constant time; unequal lengths are unequal. */
export function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && timingSafeEqual(left, right);
}
