import { base64url } from "jose";

/** Random bytes of a device token: 256 bits, so a plain hash of it can be stored. */
const tokenBytes = 32;

/** A new device token: `sdt_` (which secret scanners can look for) and 32 random bytes. Shown once. */
export function makeDeviceToken(random: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array): string {
  return `sdt_${base64url.encode(random(new Uint8Array(tokenBytes)))}`;
}

/** Lower-case hex of SHA-256 over UTF-8. */
export async function sha256Hex(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
