import { parseId } from "../../../core/ids.ts";
import type { Device, DevicesRpc } from "../../../core/rpc/capabilities.ts";
import * as store from "../../../store/tenant/devices.ts";
import { parsePage } from "../../../store/tenant/page.ts";
import type { CallContext } from "./admission.ts";
import type { Handler } from "./handler.ts";
import { parseName } from "./names.ts";
import { ok, refused } from "./result.ts";
import { makeDeviceToken, sha256Hex } from "./secrets.ts";
import { settleDevice } from "./settle.ts";

export const listDevices: Handler<DevicesRpc["listDevices"]> = async (context, page) => {
  const keyset = parsePage("device", page);
  if (typeof keyset === "string") return refused(keyset);
  const { items, nextCursor } = await store.listDevices(context.database, keyset);
  return ok({ items: await withPresence(context, items), nextCursor });
};

export const getDevice: Handler<DevicesRpc["getDevice"]> = async (context, id) => {
  if (parseId("device", id) === null) return refused("not_found");
  return presented(context, await store.findDevice(context.database, id));
};

export const renameDevice: Handler<DevicesRpc["renameDevice"]> = async (context, id, text) => {
  if (parseId("device", id) === null) return refused("not_found");
  const name = parseName(text);
  if (name === null) return refused("invalid_request");
  return presented(context, await store.renameDevice(context.database, id, name));
};

/**
 * Removes a device. The hub goes first: access ends even while the database is away, and a crash
 * before the row is gone leaves a device that is listed but can't connect; removing it again
 * completes it. The hub is told once more afterwards, because a token rotation under way may have
 * made the device known again in between. Readings stay behind, out of everybody's reach.
 */
export const removeDevice: Handler<DevicesRpc["removeDevice"]> = async (context, id) => {
  if (parseId("device", id) === null) return refused("not_found");
  await context.hub.removeDevice(id);
  if (!(await store.removeDevice(context.database, id))) return refused("not_found");
  await context.hub.removeDevice(id);
  return ok(null);
};

/**
 * Replaces a device's token. The database goes first: if the hub then can't be told, the caller has no
 * new token and the old one still works, as if nothing had been asked. The hub closes the old token's
 * sockets when it takes the new hash.
 */
export const rotateToken: Handler<DevicesRpc["rotateToken"]> = async (context, id) => {
  if (parseId("device", id) === null) return refused("not_found");
  const token = makeDeviceToken(context.random);
  const tokenSha256 = await sha256Hex(token);
  if (!(await store.replaceTokenHash(context.database, id, tokenSha256))) return refused("not_found");
  const told = await settleDevice(context, id, tokenSha256);
  if (told === null) {
    await context.hub.removeDevice(id);
    return refused("not_found");
  }
  // Another rotation overtook this one, and its token is the one that works.
  return told === tokenSha256 ? ok({ token }) : refused("conflict");
};

async function presented(context: CallContext, device: Device | null): ReturnType<DevicesRpc["getDevice"]> {
  if (device === null) return refused("not_found");
  const [current] = await withPresence(context, [device]);
  return ok(current ?? device);
}

/**
 * The hub knows who is connected now; the table learns it a batch later and answers when the hub
 * doesn't. This may fail open: it only colours a list that the actor may see anyway.
 */
async function withPresence(context: CallContext, devices: readonly Device[]): Promise<Device[]> {
  if (devices.length === 0) return [];
  let presence: Awaited<ReturnType<CallContext["hub"]["presence"]>>;
  try {
    presence = await context.hub.presence(devices.map((device) => device.id));
  } catch {
    return [...devices];
  }
  const known = new Map(presence.map((entry) => [entry.device, entry]));
  return devices.map((device) => {
    const entry = known.get(device.id);
    if (entry === undefined) return { ...device, online: false };
    return { ...device, online: entry.online, lastSeenAt: later(device.lastSeenAt, entry.since) };
  });
}

/** The later of two RFC 3339 instants. */
function later(one: string | null, other: string): string {
  return one !== null && Date.parse(one) >= Date.parse(other) ? one : other;
}
