import type { SealedPlace } from "../../../core/crypto/data-key.ts";
import { SealedElsewhere } from "../../../core/crypto/key-wrapper.ts";
import { type CommandId, makeId, parseId } from "../../../core/ids.ts";
import type { Command, DevicesRpc } from "../../../core/rpc/capabilities.ts";
import { type DeviceCommand, deviceCommandNames } from "../../../core/telemetry.ts";
import * as store from "../../../store/tenant/commands.ts";
import { parsePage } from "../../../store/tenant/page.ts";
import type { CallContext } from "./admission.ts";
import type { Handler } from "./handler.ts";
import { ok, refused } from "./result.ts";

/** A command waits for an absent device for a day at most; later it would surprise. */
export const commandSecondsMax = 86_400;
/** Characters of a command's arguments as JSON: at four bytes each, the message stays one 64 KiB packet. */
export const commandArgsCharactersMax = 15 * 1024;

/**
 * Sends a command: sealed, stored (the commit point), then published. If it can't be published the caller
 * learns that, and the command stays in the list as one that was never answered.
 */
export const sendCommand: Handler<DevicesRpc["sendCommand"]> = async (context, device, input) => {
  const { actor } = context.scope;
  if (actor.kind !== "user") return refused("forbidden");
  if (parseId("device", device) === null) return refused("not_found");
  const { ttlSeconds } = input;
  const name = deviceCommandNames.find((known) => known === input.name);
  if (!Number.isInteger(ttlSeconds) || ttlSeconds < 1 || ttlSeconds > commandSecondsMax)
    return refused("invalid_request");
  if (name === undefined || typeof input.args !== "object" || input.args === null || Array.isArray(input.args))
    return refused("invalid_request");
  const argsJson = JSON.stringify(input.args);
  if (argsJson.length > commandArgsCharactersMax) return refused("invalid_request");

  const id = makeId("command", context.now(), context.random(new Uint8Array(10)));
  const argsSealed = await context.dataKeys.seal(argsPlace(id), Uint8Array.from(new TextEncoder().encode(argsJson)));
  const command = await store.addCommand(context.database, {
    id,
    device,
    name,
    argsSealed,
    issuedBy: actor.user,
    ttlSeconds,
  });
  if (command === null) return refused("not_found");
  const message: DeviceCommand = {
    id,
    name,
    args: input.args,
    issued_at: command.issuedAt,
    expires_at: command.expiresAt,
  };
  await context.hub.publishCommand(device, JSON.stringify(message));
  return ok({ ...command, args: input.args });
};

export const listCommands: Handler<DevicesRpc["listCommands"]> = async (context, device, page) => {
  if (parseId("device", device) === null) return refused("not_found");
  const keyset = parsePage("command", page);
  if (typeof keyset === "string") return refused(keyset);
  const commands = await store.listCommands(context.database, device, keyset);
  if (commands === null) return refused("not_found");
  const items = await Promise.all(commands.items.map((command) => opened(context, command)));
  return ok({ ...commands, items });
};

/** Where a command's arguments are sealed: they open as this command's and no other's. */
const argsPlace = (id: CommandId): SealedPlace => ({ table: "commands.args", row: id });

async function opened(context: CallContext, stored: store.StoredCommand): Promise<Command> {
  const { args, ...command } = stored;
  if ("clear" in args) return { ...command, args: args.clear };
  try {
    const json = new TextDecoder().decode(await context.dataKeys.open(argsPlace(command.id), args.sealed));
    return { ...command, args: JSON.parse(json) as Command["args"] };
  } catch (error) {
    // No keeper will ever give that key to this organisation: one such row must not hide the others for good.
    if (error instanceof SealedElsewhere) return { ...command, args: null };
    throw error;
  }
}
