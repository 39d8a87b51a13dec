import { type OrgId, parseId } from "../../../core/ids.ts";
import type { ConnectPacket } from "../../../core/mqtt/packets.ts";
import type { Env } from "../../env.ts";
import { deviceTokenPattern, sha256Hex } from "../authenticate.ts";
import { directoryName, type HubName, homeName, parseShardCount } from "./home.ts";
import { callHub } from "./shard-call.ts";

/** What the upgrade request tells about who comes. */
export interface Upgrade {
  readonly org: OrgId;
  /** `device` of the URL's query: where the client was told to go. Not a credential. */
  readonly hint: string | null;
  /** `Authorization`, as it came. */
  readonly authorization: string | null;
}

/**
 * The object that this socket belongs to, as far as the upgrade tells; null when only CONNECT can.
 * A wrong hint harms nobody: the object that it leads to sends the client on.
 */
export function routeUpgrade(env: Env, { org, hint, authorization }: Upgrade): HubName | null {
  const count = parseShardCount(env.HUB_SHARDS);
  if (count === 1) return directoryName(org);
  const token = bearerToken(authorization);
  if (authorization !== null && token === null) return directoryName(org);
  const device = parseId("device", hint);
  if (device !== null && (token === null || isDeviceToken(token))) return homeName(org, device, count);
  return token === null || isDeviceToken(token) ? null : directoryName(org);
}

/** The object that this CONNECT belongs to; whatever nobody knows goes to the directory, which refuses it. */
export async function routeConnect(
  env: Env,
  { org, authorization }: Upgrade,
  connect: ConnectPacket,
): Promise<HubName> {
  const count = parseShardCount(env.HUB_SHARDS);
  const named = parseId("device", connect.username);
  if (named !== null) return homeName(org, named, count);
  const token = bearerToken(authorization);
  const byToken = connect.username === null && (connect.password?.length ?? 0) === 0;
  if (!byToken || token === null || !isDeviceToken(token)) return directoryName(org);
  const call = { kind: "find_token", sha256: sha256Hex(token) } as const;
  const device = await callHub(env.TENANT_HUB, org, directoryName(org), call);
  return device === null ? directoryName(org) : homeName(org, device, count);
}

function bearerToken(authorization: string | null): string | null {
  return authorization === null ? null : (/^Bearer (\S+)$/i.exec(authorization)?.[1] ?? null);
}

function isDeviceToken(token: string): boolean {
  return deviceTokenPattern.test(token);
}
