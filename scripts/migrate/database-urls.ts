/** Placements' owner connections as an operator names them. */
import { verifiedConnection } from "./verified-connection.ts";

export interface PlacementUrl {
  readonly name: string;
  readonly url: string;
}

/**
 * Reads DATABASE_URLS: JSON {"placement": "postgres://owner:…@host/database?sslmode=verify-full"}; the
 * first one holds the control plane.
 * @throws Error that says what is wrong with it; no message quotes a URL, for a password is in it
 */
export function databaseUrlsFrom(text: string | undefined): readonly [PlacementUrl, ...PlacementUrl[]] {
  if (text === undefined) throw new Error("DATABASE_URLS is not set; docs/runbooks/deploy.md says what it holds");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error("DATABASE_URLS is not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error("DATABASE_URLS is not a JSON object");
  const [first, ...others] = Object.entries(value).map(([name, url]) => {
    if (typeof url !== "string") throw new Error(`DATABASE_URLS: ${name} is not an address`);
    requireVerifiedTls(`DATABASE_URLS: ${name}`, url);
    return { name, url };
  });
  if (first === undefined) throw new Error("DATABASE_URLS names no placement");
  return [first, ...others];
}

/** Refuses what `verifiedConnection` does, before anything else is done. @param subject how a refusal calls the address */
export function requireVerifiedTls(subject: string, url: string): void {
  verifiedConnection(subject, url);
}
