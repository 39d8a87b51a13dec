import { type AddressKey, addressKey } from "../../core/address-key.ts";

export interface ClientAddress {
  /** As received, checked; for the audit trail. */
  readonly ip: string;
  readonly key: AddressKey;
}

/** Without Cloudflare in front (a local run) requests come from this machine. */
const localAddress = "127.0.0.1";

/**
 * Reads `CF-Connecting-IP`, which Cloudflare overwrites on every request. `X-Forwarded-For`,
 * `True-Client-IP` and `Forwarded` are the client's own words and are never read.
 * @returns null when the header is no address
 */
export function clientAddress(headers: Headers): ClientAddress | null {
  const ip = headers.get("CF-Connecting-IP") ?? localAddress;
  const key = addressKey(ip);
  return key === null ? null : { ip, key };
}
