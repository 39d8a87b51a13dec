import { makeId, parseId } from "../../../core/ids.ts";
import type { DevicesRpc, Result } from "../../../core/rpc/capabilities.ts";
import { DatabaseError, sqlState } from "../../../store/connect.ts";
import { findDevice } from "../../../store/tenant/devices.ts";
import * as store from "../../../store/tenant/groups.ts";
import { parsePage } from "../../../store/tenant/page.ts";
import type { Handler } from "./handler.ts";
import { parseName } from "./names.ts";
import { ok, refused } from "./result.ts";
import { settleGroup } from "./settle.ts";

export const createGroup: Handler<DevicesRpc["createGroup"]> = async (context, text) => {
  const name = parseName(text);
  if (name === null) return refused("invalid_request");
  const id = makeId("group", context.now(), context.random(new Uint8Array(10)));
  // The hub needs no word of it: a group without devices and members grants nothing.
  return orConflict(async () => {
    const group = await store.addGroup(context.database, id, name);
    return group === null ? refused("conflict") : ok(group);
  });
};

export const listGroups: Handler<DevicesRpc["listGroups"]> = async (context, page) => {
  const keyset = parsePage("group", page);
  if (typeof keyset === "string") return refused(keyset);
  return ok(await store.listGroups(context.database, keyset));
};

export const getGroup: Handler<DevicesRpc["getGroup"]> = async (context, id) => {
  if (parseId("group", id) === null) return refused("not_found");
  const group = await store.findGroup(context.database, id);
  return group === null ? refused("not_found") : ok(group);
};

export const renameGroup: Handler<DevicesRpc["renameGroup"]> = async (context, id, text) => {
  if (parseId("group", id) === null) return refused("not_found");
  const name = parseName(text);
  if (name === null) return refused("invalid_request");
  return orConflict(async () => {
    const group = await store.renameGroup(context.database, id, name);
    return group === null ? refused("not_found") : ok(group);
  });
};

/** Takes rights away, so the hub is told first; see settle.ts. */
export const removeGroup: Handler<DevicesRpc["removeGroup"]> = async (context, id) => {
  if (parseId("group", id) === null) return refused("not_found");
  await context.hub.putGroup(id, { devices: [], members: [] });
  if (!(await store.removeGroup(context.database, id))) return refused("not_found");
  await settleGroup(context, id, null);
  return ok(null);
};

export const setGroupDevice: Handler<DevicesRpc["setGroupDevice"]> = async (context, id, device, present) => {
  if (parseId("group", id) === null || parseId("device", device) === null) return refused("not_found");
  if (present) {
    const group = await orMissing(() => store.addGroupDevice(context.database, id, device));
    if (group === null) return refused("not_found");
    await settleGroup(context, id, group);
    return group.devices.includes(device) ? ok(null) : refused("conflict");
  }
  const group = await store.findGroup(context.database, id);
  if (group === null) return refused("not_found");
  const inside = group.devices.includes(device);
  if (!inside && (await findDevice(context.database, device)) === null) return refused("not_found");
  const devices = group.devices.filter((other) => other !== device);
  await context.hub.putGroup(id, { devices, members: group.members });
  await store.removeGroupDevice(context.database, id, device);
  await settleGroup(context, id, await store.findGroup(context.database, id));
  return ok(null);
};

/** That the user is a member of the organisation is studio's to know: people are not in this schema. */
export const setGroupMember: Handler<DevicesRpc["setGroupMember"]> = async (context, id, user, present) => {
  if (parseId("group", id) === null || parseId("user", user) === null) return refused("not_found");
  if (present) {
    const group = await orMissing(() => store.addGroupMember(context.database, id, user));
    if (group === null) return refused("not_found");
    await settleGroup(context, id, group);
    return group.members.includes(user) ? ok(null) : refused("conflict");
  }
  const group = await store.findGroup(context.database, id);
  if (group === null) return refused("not_found");
  const members = group.members.filter((other) => other !== user);
  await context.hub.putGroup(id, { devices: group.devices, members });
  await store.removeGroupMember(context.database, id, user);
  await settleGroup(context, id, await store.findGroup(context.database, id));
  return ok(null);
};

/** Takes a user out of every group, in the hub first. Repeating it, also after a crash, completes it. */
export const removeUser: Handler<DevicesRpc["removeUser"]> = async (context, user) => {
  if (parseId("user", user) === null) return refused("not_found");
  const groups = await store.groupsOfUser(context.database, user);
  for (const group of groups) {
    const members = group.members.filter((other) => other !== user);
    await context.hub.putGroup(group.id, { devices: group.devices, members });
  }
  // More than were read, if one was assigned in between.
  const left = await store.removeUserFromGroups(context.database, user);
  for (const id of new Set([...groups.map((group) => group.id), ...left])) {
    await settleGroup(context, id, await store.findGroup(context.database, id));
  }
  return ok(null);
};

/** A name that is taken. */
async function orConflict<T>(work: () => Promise<Result<T>>): Promise<Result<T>> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DatabaseError && error.code === sqlState.uniqueViolation) return refused("conflict");
    throw error;
  }
}

/** A group or device that was removed between being looked up and being referred to. */
async function orMissing<T>(work: () => Promise<T | null>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DatabaseError && error.code === sqlState.foreignKeyViolation) return null;
    throw error;
  }
}
