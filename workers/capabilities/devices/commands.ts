import { makeId, parseId } from "../../../core/ids.ts";
import type { DevicesRpc } from "../../../core/rpc/capabilities.ts";
import { type DeviceCommand, deviceCommandNames } from "../../../core/telemetry.ts";
import { DatabaseError } from "../../../store/connect.ts";
import * as store from "../../../store/tenant/commands.ts";
import { parsePage } from "../../../store/tenant/page.ts";
import type { Handler } from "./handler.ts";
import { ok, refused } from "./result.ts";

/** A command waits for an absent device for a day at most; later it would surprise. */
export const commandSecondsMax = 86_400;
/** Characters of a command's arguments as JSON: at four bytes each, the message stays one 64 KiB packet. */
export const commandArgsCharactersMax = 15 * 1024;

/** JSON that Postgres can't hold (a NUL or half a surrogate pair inside), or that nests too deeply. */
const unstorableJson: readonly (string | null)[] = ["22P02", "22P05", "54001"];

/**
 * Sends a command: stored (the commit point), then published. If it can't be published the caller
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
  let command: Awaited<ReturnType<typeof store.addCommand>>;
  try {
    command = await store.addCommand(context.database, {
      id,
      device,
      name,
      argsJson,
      issuedBy: actor.user,
      ttlSeconds,
    });
  } catch (error) {
    if (error instanceof DatabaseError && unstorableJson.includes(error.code)) return refused("invalid_request");
    throw error;
  }
  if (command === null) return refused("not_found");
  const message: DeviceCommand = {
    id,
    name,
    args: input.args,
    issued_at: command.issuedAt,
    expires_at: command.expiresAt,
  };
  await context.hub.publishCommand(device, JSON.stringify(message));
  return ok(command);
};

export const listCommands: Handler<DevicesRpc["listCommands"]> = async (context, device, page) => {
  if (parseId("device", device) === null) return refused("not_found");
  const keyset = parsePage("command", page);
  if (typeof keyset === "string") return refused(keyset);
  const commands = await store.listCommands(context.database, device, keyset);
  return commands === null ? refused("not_found") : ok(commands);
};
