import type { DeviceId, GroupId, UserId } from "../../../core/ids.ts";
import { reasonCodes } from "../../../core/mqtt/reason-codes.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
import { refusal } from "./closes.ts";
import { route } from "./deliver.ts";
import type { Effect } from "./events.ts";
import { dropSocket, endSession as endBrokerSession, statusMessage } from "./lifecycle.ts";
import { endedSessionMs } from "./limits.ts";
import { forgetRetained } from "./retained.ts";
import { devicesInGroupsOf, publishes, readsWholeTenant } from "./rights.ts";
import { type ApiKey, type BrokerState, endedSidKey, type Group, sessionsOf } from "./state.ts";
import { commandsTopic } from "./topics.ts";

/** Makes a device known, or replaces its token: a live socket of the old token ends. */
export function putDevice(
  state: BrokerState,
  device: DeviceId,
  tokenSha256: string,
  now: number,
  effects: Effect[],
): void {
  const before = state.devices.get(device);
  if (before?.tokenSha256 === tokenSha256) return;
  const entry = { tokenSha256, online: before?.online ?? false, sinceMs: before?.sinceMs ?? 0 };
  state.devices.set(device, entry);
  effects.push({ kind: "write", write: { kind: "put_device", device, entry: { ...entry } } });
  if (before === undefined) return;
  for (const session of sessionsOf(state, device)) {
    const socket = session.attached;
    if (socket === null) continue;
    const close = refusal("the token was replaced", reasonCodes.not_authorized);
    dropSocket(state, socket, now, { graceful: true, close, presence: true }, effects);
  }
}

/** Forgets a device: sockets, sessions, what it retained. Its watchers hear that it went. */
export function removeDevice(state: BrokerState, device: DeviceId, now: number, effects: Effect[]): void {
  const entry = state.devices.get(device);
  if (entry === undefined) return;
  // First unknown, then dropped: no will, no presence record of a device that is no more.
  state.devices.delete(device);
  effects.push({ kind: "write", write: { kind: "delete_device", device } });
  for (const session of sessionsOf(state, device)) endBrokerSession(state, session, now, deviceRemoved, effects);
  for (const topic of [...(state.retained.get(device)?.keys() ?? [])]) forgetRetained(state, device, topic, effects);
  if (entry.online)
    route(
      state,
      { ...statusMessage(state, device, false, new Date(now).toISOString()), retain: false },
      null,
      now,
      effects,
    );
}

const deviceRemoved = refusal("the device was removed", reasonCodes.not_authorized);
const accessChanged = refusal("access to this organisation changed", reasonCodes.not_authorized);
const loginEnded = refusal("the session ended", reasonCodes.not_authorized);

/** Sets a role; whoever lost a right by it loses every session, with what was subscribed to and queued under it. */
export function putMember(state: BrokerState, user: UserId, role: Role | null, now: number, effects: Effect[]): void {
  const before = state.members.get(user) ?? null;
  if (role === null) {
    state.members.delete(user);
    if (state.apiKeys.delete(user)) effects.push({ kind: "write", write: { kind: "put_key", user, key: null } });
  } else state.members.set(user, role);
  effects.push({ kind: "write", write: { kind: "put_member", user, role } });
  const shrank =
    before !== null &&
    (role === null || (readsWholeTenant(before) && !readsWholeTenant(role)) || (publishes(before) && !publishes(role)));
  if (shrank) endSessionsOf(state, user, now, effects);
}

/** Gives a member who is a program the key that is its password. It goes with the membership. */
export function putKey(state: BrokerState, user: UserId, key: ApiKey, effects: Effect[]): void {
  // Removed in the meantime: a key that came late must not outlive that.
  if (!state.members.has(user)) return;
  state.apiKeys.set(user, key);
  effects.push({ kind: "write", write: { kind: "put_key", user, key } });
}

/** Replaces a group; a member who can read fewer devices by it loses every session. */
export function putGroup(state: BrokerState, group: GroupId, content: Group, now: number, effects: Effect[]): void {
  const before = state.groups.get(group);
  const affected = new Set([...(before?.members ?? []), ...content.members]);
  const couldRead = new Map([...affected].map((user) => [user, devicesInGroupsOf(state, user)]));
  if (content.devices.size === 0 && content.members.size === 0) state.groups.delete(group);
  else state.groups.set(group, content);
  effects.push({ kind: "write", write: { kind: "put_group", group, content } });
  for (const [user, devices] of couldRead) {
    const role = state.members.get(user);
    if (role === undefined || readsWholeTenant(role)) continue;
    const canRead = devicesInGroupsOf(state, user);
    if ([...devices].some((device) => !canRead.has(device))) endSessionsOf(state, user, now, effects);
  }
}

function endSessionsOf(state: BrokerState, user: UserId, now: number, effects: Effect[]): void {
  for (const session of sessionsOf(state, user)) endBrokerSession(state, session, now, accessChanged, effects);
}

/**
 * Ends the sockets of one login session and remembers it for as long as a token of it could live.
 * @param user who asks for himself: nobody else's sockets end then, whatever `sid` says; null for all
 */
export function endLoginSession(
  state: BrokerState,
  sid: string,
  user: UserId | null,
  now: number,
  effects: Effect[],
): void {
  const untilMs = now + endedSessionMs;
  const key = endedSidKey(sid, user);
  state.endedSids.set(key, untilMs);
  effects.push({ kind: "write", write: { kind: "put_ended_sid", sid: key, untilMs } });
  for (const socket of [...state.sockets.values()]) {
    const holder = socket.identity ?? (socket.upgrade?.kind === "user" ? socket.upgrade : null);
    if (holder?.sid !== sid || (user !== null && holder.user !== user)) continue;
    dropSocket(state, socket, now, { graceful: true, close: loginEnded, presence: true }, effects);
  }
}

/** A command from the platform; it waits while the device is away. Unknown devices take none. */
export function publishCommand(
  state: BrokerState,
  device: DeviceId,
  payload: Uint8Array,
  now: number,
  effects: Effect[],
): void {
  if (!state.devices.has(device)) return;
  const topic = commandsTopic(state.org, device);
  route(state, { topic, payload, qos: 1, retain: false, properties: null, expiresAtMs: null }, null, now, effects);
}
