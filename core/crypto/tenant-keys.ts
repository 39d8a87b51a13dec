/**
 * Everything of one tenant's database that is derived from the tenant DB root secret, so that no
 * list of passwords exists. HKDF-SHA-256 (RFC 5869): the organisation is the salt, the purpose the info.
 */
import { base64url } from "jose";
import type { OrgId, UserId } from "../ids.ts";
import type { Role } from "../tenancy/roles.ts";

/** The imported root secret. It can only be derived from. */
export type TenantRootKey = CryptoKey;

const secretBytes = 32;
/** SHA-256's block size, to which HMAC pads its key (RFC 2104). */
const blockBytes = 64;
/** Two roots of one deployment never share so much of a name by chance. */
const rootIdBytes = 8;

/**
 * Imports the root secret.
 * @param text 32 bytes, base64url
 * @throws Error when it is anything else
 */
export async function importTenantRootKey(text: string): Promise<TenantRootKey> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = Uint8Array.from(base64url.decode(text));
  } catch {
    throw new Error("the tenant DB root secret is not base64url");
  }
  if (bytes.length !== secretBytes) throw new Error("the tenant DB root secret must be 32 bytes");
  return await crypto.subtle.importKey("raw", bytes, "HKDF", false, ["deriveBits"]);
}

/**
 * The password of a tenant's LOGIN role.
 * @param epoch counts rotations, from 1
 * @returns 43 characters of A–Z, a–z, 0–9, `-` and `_`
 */
export async function tenantPassword(root: TenantRootKey, org: OrgId, epoch: number): Promise<string> {
  if (!Number.isSafeInteger(epoch) || epoch < 1) throw new RangeError("a password epoch counts from 1");
  return base64url.encode(await derive(root, org, `tenant-db:${epoch}`));
}

/**
 * The root's name: says which of two roots a tenant stands on, and can't be turned back into one.
 * @returns 16 hexadecimal digits
 */
export async function tenantRootId(root: TenantRootKey): Promise<string> {
  const bytes = await bits(root, new Uint8Array(), "root-id");
  return Array.from(bytes.subarray(0, rootIdBytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The key that signs row scopes of one tenant; its schema keeps the padded halves to check them. */
export async function rowScopeKey(root: TenantRootKey, org: OrgId): Promise<Uint8Array<ArrayBuffer>> {
  return await derive(root, org, "row-scope");
}

function derive(root: TenantRootKey, org: OrgId, info: string): Promise<Uint8Array<ArrayBuffer>> {
  return bits(root, new TextEncoder().encode(org), info);
}

async function bits(
  root: TenantRootKey,
  salt: Uint8Array<ArrayBuffer>,
  info: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const parameters = { name: "HKDF", hash: "SHA-256", salt, info: new TextEncoder().encode(info) };
  return new Uint8Array(await crypto.subtle.deriveBits(parameters, root, secretBytes * 8));
}

/** HMAC's key as its two padded blocks (RFC 2104 section 2): with them Postgres computes it from sha256() alone. */
export function hmacPads(key: Uint8Array): { inner: Uint8Array<ArrayBuffer>; outer: Uint8Array<ArrayBuffer> } {
  if (key.length > blockBytes) throw new RangeError("a longer key would have to be hashed first");
  const pad = (byte: number): Uint8Array<ArrayBuffer> =>
    Uint8Array.from({ length: blockBytes }, (_, index) => (key[index] ?? 0) ^ byte);
  return { inner: pad(0x36), outer: pad(0x5c) };
}

/** Whom the rows are for: a person in a role, or a job (`system`). */
export interface RowScope {
  readonly user: UserId | null;
  readonly role: Role | "system";
  /** Unix milliseconds. */
  readonly expiresAtMs: number;
}

/**
 * Signs a row scope for the setting `sentinel.scope`:
 * `v1.{base64url of {u,r,exp}}.{base64url of HMAC-SHA-256 over what stands before}`.
 * @param key from {@link rowScopeKey} of the tenant it is for
 */
export async function signRowScope(key: Uint8Array<ArrayBuffer>, scope: RowScope): Promise<string> {
  const claims = { u: scope.user, r: scope.role, exp: Math.floor(scope.expiresAtMs / 1000) };
  const encoder = new TextEncoder();
  const signed = `v1.${base64url.encode(encoder.encode(JSON.stringify(claims)))}`;
  const hmac = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const mac = await crypto.subtle.sign("HMAC", hmac, encoder.encode(signed));
  return `${signed}.${base64url.encode(new Uint8Array(mac))}`;
}
