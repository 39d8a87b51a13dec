import type { DeviceId, GroupId } from "../../../core/ids.ts";
import type { Group } from "../../../core/rpc/capabilities.ts";
import { tokenHash } from "../../../store/tenant/devices.ts";
import { findGroup } from "../../../store/tenant/groups.ts";
import type { CallContext } from "./admission.ts";

/*
 * The database says what is so; the hub must be told, and the two can't commit together. Each writer
 * therefore tells the hub what the database said after its write, then reads again, and tells it
 * again if that changed meanwhile. Whichever writer is heard last has read after being heard, so what
 * the hub ends up with is what the database holds, in whatever order two requests overtake each other.
 *
 * What is left is a writer that dies between its write and the hub. Changes that take rights away
 * tell the hub before they write (see each caller), so such a crash leaves too little access, never
 * too much, and repeating the request completes it.
 */

/** Rounds before giving up: each one means that another request changed the same thing just then. */
const settleRoundsMax = 5;

/** Tells the hub a group as the database has it now. @param group as read after the write; null when removed */
export async function settleGroup(context: CallContext, id: GroupId, group: Group | null): Promise<void> {
  let told = group;
  for (let round = 0; round < settleRoundsMax; round += 1) {
    await context.hub.putGroup(id, { devices: told?.devices ?? [], members: told?.members ?? [] });
    const current = await findGroup(context.database, id);
    if (contentKey(current) === contentKey(told)) return;
    told = current;
  }
  throw new Error("a group kept changing while the hub was being told of it");
}

/** Ids hold no comma or bar and come in a fixed order, so equal keys are equal contents. */
function contentKey(group: Group | null): string {
  return group === null ? "|" : `${group.devices.join(",")}|${group.members.join(",")}`;
}

/**
 * Tells the hub a device's token hash as the database has it now.
 * @param tokenSha256 as written
 * @returns the hash that the hub ended up with; null when the device was removed meanwhile: then the
 *   hub may have been made to know it again by this very call, and the caller must see to that
 */
export async function settleDevice(context: CallContext, id: DeviceId, tokenSha256: string): Promise<string | null> {
  let told = tokenSha256;
  for (let round = 0; round < settleRoundsMax; round += 1) {
    await context.hub.putDevice(id, told);
    const current = await tokenHash(context.database, id);
    if (current === null || current === told) return current;
    told = current;
  }
  throw new Error("a device's token kept changing while the hub was being told of it");
}
