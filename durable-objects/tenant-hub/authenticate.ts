import { createHash, timingSafeEqual } from "node:crypto";
import { type DeviceId, type OrgId, parseId, type UserId } from "../../core/ids.ts";
import { verifyAccessToken } from "../../core/mesh/access.ts";
import type { AccessKeySource } from "../../core/mesh/keys.ts";
import { CallRefused } from "../../core/mesh/refused.ts";
import type { ConnectPacket } from "../../core/mqtt/packets.ts";
import { apiKeyPattern, apiKeyPrefix } from "../../core/routes/api-keys.ts";
import type { Identity, UpgradeCredential } from "./broker/session.ts";
import type { BrokerState } from "./broker/state.ts";

/** `sdt_` and 32 random bytes in base64url. */
export const deviceTokenPattern = /^sdt_[A-Za-z0-9_-]{43}$/;

const bad: Identity = { kind: "bad_credentials" };

/**
 * Judges a CONNECT. A password makes CONNECT's own credentials count, alone; without one the upgrade
 * request's do, and a user name must then be absent or agree with them.
 * @returns at once for a device, so nothing can happen between the check and its use
 */
export function judgeCredentials(
  connect: ConnectPacket,
  upgrade: UpgradeCredential | null,
  state: BrokerState,
  keys: AccessKeySource,
  nowMs: number,
): Identity | Promise<Identity> {
  const { username, password } = connect;
  if (password === null || password.length === 0) return fromUpgrade(username, upgrade, state);
  const device = parseId("device", username);
  const text = passwordText(password);
  if (text === null) return bad;
  if (device !== null) return deviceTokenPattern.test(text) ? checkDevice(device, sha256Hex(text), state) : bad;
  const user = parseId("user", username);
  if (user === null) return bad;
  if (text.startsWith(apiKeyPrefix)) return apiKeyPattern.test(text) ? checkKey(user, sha256Hex(text), state) : bad;
  return verifyUser(text, state.org, keys, nowMs).then((identity) =>
    identity.kind === "user" && identity.user !== user ? bad : identity,
  );
}

/**
 * Judges `Authorization` of the upgrade request. A device's token is only hashed here: CONNECT says
 * whose it is. Null: no header. `bad_credentials`: one that is neither a token of ours nor an access token for this organisation.
 */
export async function judgeUpgrade(
  header: string | null,
  org: OrgId,
  keys: AccessKeySource,
  nowMs: number,
): Promise<UpgradeCredential | { readonly kind: "bad_credentials" } | { readonly kind: "unavailable" } | null> {
  if (header === null) return null;
  const token = /^Bearer ([A-Za-z0-9._~+/=-]{1,8192})$/i.exec(header)?.[1];
  if (token === undefined) return { kind: "bad_credentials" };
  if (token.startsWith("sdt_")) {
    return deviceTokenPattern.test(token)
      ? { kind: "device_token", sha256: sha256Hex(token) }
      : { kind: "bad_credentials" };
  }
  const identity = await verifyUser(token, org, keys, nowMs);
  return identity.kind === "device" ? { kind: "bad_credentials" } : identity;
}

/** Lower-case hex of a token's SHA-256, as the hub stores it. */
export function sha256Hex(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}

function fromUpgrade(username: string | null, upgrade: UpgradeCredential | null, state: BrokerState): Identity {
  if (upgrade === null) return bad;
  if (upgrade.kind === "user") return username === null || username === upgrade.user ? upgrade : bad;
  const device = username === null ? deviceByToken(upgrade.sha256, state) : parseId("device", username);
  return device === null ? bad : checkDevice(device, upgrade.sha256, state);
}

/** Finds whose token this is; the lookup is by a hash, so its timing tells nothing about any token. */
function deviceByToken(sha256: string, state: BrokerState): DeviceId | null {
  for (const [device, entry] of state.devices) if (entry.tokenSha256 === sha256) return device;
  return null;
}

/** Compares in constant time, an unknown device's token with a hash that no token has. */
function checkDevice(device: DeviceId, sha256: string, state: BrokerState): Identity {
  const known = state.devices.get(device)?.tokenSha256;
  const equal = sameHash(known, sha256);
  return equal && known !== undefined ? { kind: "device", device } : bad;
}

/** Like {@link checkDevice}, for a program: its user name is its service user. The members table has the last word. */
function checkKey(user: UserId, sha256: string, state: BrokerState): Identity {
  const known = state.apiKeys.get(user);
  const equal = sameHash(known?.sha256, sha256);
  return equal && known !== undefined ? { kind: "user", user, sid: known.sid, expiresAtMs: known.expiresAtMs } : bad;
}

/** Compares in constant time; nothing stored is a hash that no secret has. */
function sameHash(stored: string | undefined, given: string): boolean {
  const left = Buffer.from(stored ?? "0".repeat(64), "hex");
  const right = Buffer.from(given, "hex");
  return left.length === right.length && timingSafeEqual(left, right);
}

/**
 * An access token for this organisation and no other: studio signs one for whoever satisfies its policies,
 * while one for none is given to everybody. Whether the person is a member, the hub's own table knows.
 */
async function verifyUser(token: string, org: OrgId, keys: AccessKeySource, nowMs: number): Promise<Identity> {
  try {
    const claims = await verifyAccessToken(token, keys, nowMs);
    if (claims.org !== org) return bad;
    return { kind: "user", user: claims.sub, sid: claims.sid, expiresAtMs: claims.exp * 1000 };
  } catch (error) {
    if (error instanceof CallRefused) return bad;
    return { kind: "unavailable" };
  }
}

function passwordText(password: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(password);
  } catch {
    return null;
  }
}
