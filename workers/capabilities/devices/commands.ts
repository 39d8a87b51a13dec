import { SealBroken, type SealedPlace } from "../../../core/crypto/data-key.ts";
import { SealedElsewhere } from "../../../core/crypto/key-wrapper.ts";
import { makeReplyKey, openReply, ReplyBroken } from "../../../core/crypto/reply-key.ts";
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
  const replyKey = await makeReplyKey();
  const argsSealed = await context.dataKeys.seal(argsPlace(id), Uint8Array.from(new TextEncoder().encode(argsJson)));
  const privateKeySealed = await context.dataKeys.seal(replyKeyPlace(id), replyKey.privateKey);
  const command = await store.addCommand(context.database, {
    id,
    device,
    name,
    argsSealed,
    replyKey: { publicKey: replyKey.publicKey, privateKeySealed },
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
  return ok({ ...command, args: input.args, reply: null });
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
const replyKeyPlace = (id: CommandId): SealedPlace => ({ table: "commands.reply_key", row: id });

async function opened(context: CallContext, stored: store.StoredCommand): Promise<Command> {
  const { args, reply, ...command } = stored;
  const [openedArgs, openedReply] = await Promise.all([
    argsOf(context, command.id, args),
    replyOf(context, command.id, reply),
  ]);
  return { ...command, args: openedArgs, reply: openedReply };
}

async function argsOf(
  { dataKeys }: CallContext,
  command: CommandId,
  args: store.StoredCommand["args"],
): Promise<Command["args"]> {
  if ("clear" in args) return args.clear;
  try {
    const json = new TextDecoder().decode(await dataKeys.open(argsPlace(command), args.sealed));
    return JSON.parse(json) as Command["args"];
  } catch (error) {
    // No keeper will ever give that key to this organisation: one such row must not hide the others for good.
    if (error instanceof SealedElsewhere) return null;
    throw error;
  }
}

async function replyOf(
  { dataKeys, scope }: CallContext,
  command: CommandId,
  reply: store.StoredCommand["reply"],
): Promise<Command["reply"]> {
  if ("clear" in reply) return reply.clear;
  const { publicKey, privateKeySealed } = reply.key;
  try {
    const privateKey = await dataKeys.open(replyKeyPlace(command), privateKeySealed);
    const json = await openReply({ org: scope.org, command }, { publicKey, privateKey }, reply.sealed);
    return store.replyOf(command, JSON.parse(new TextDecoder().decode(json)));
  } catch (error) {
    // Whoever may write the row may write what is no reply: it is not shown as one, and hides no other.
    const isNone = error instanceof ReplyBroken || error instanceof SealBroken || error instanceof SyntaxError;
    if (isNone || error instanceof SealedElsewhere) return null;
    throw error;
  }
}
