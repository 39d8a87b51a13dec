import type { CommandId, DeviceId, UserId } from "../../core/ids.ts";
import type { Command, Page } from "../../core/rpc/capabilities.ts";
import { type DeviceCommandName, type DeviceReply, deviceCommandNames } from "../../core/telemetry.ts";
import { type Row, sql } from "../connect.ts";
import { idColumn, instantColumn, instantOrNullColumn, objectColumn, textColumn } from "./columns.ts";
import { type Keyset, pageOf } from "./page.ts";
import type { TenantDatabase } from "./tenant-database.ts";

const columns = sql`id, device_id, name, args, args_sealed, issued_by, issued_at, expires_at, reply, replied_at`;

/**
 * A command's key pair for its reply: the private half is sealed for `commands.reply_key` and the command's id. It
 * stands in `args`, which is empty otherwise where the arguments are sealed, and which the role may write with the
 * command alone: whoever stores the reply reads the public half there, and nobody can put another in its place.
 */
export interface StoredReplyKey {
  readonly publicKey: string;
  readonly privateKeySealed: string;
}

/** Arguments and reply as they are stored: a sealed reply as `{"sealed": …}`; sealed, or in clear in rows from before there were keys for them. */
export interface StoredCommand extends Omit<Command, "args" | "reply"> {
  readonly reply: { readonly sealed: string; readonly key: StoredReplyKey } | { readonly clear: DeviceReply | null };
  readonly args: { readonly sealed: string } | { readonly clear: Readonly<Record<string, unknown>> };
}

/** Stores a command for a device that the actor may command; null when there is none. */
export async function addCommand(
  database: TenantDatabase,
  command: {
    readonly id: CommandId;
    readonly device: DeviceId;
    readonly name: DeviceCommandName;
    /** A JSON object, sealed for `commands.args` and the command's id. */
    readonly argsSealed: string;
    readonly replyKey: StoredReplyKey;
    readonly issuedBy: UserId;
    readonly ttlSeconds: number;
  },
): Promise<StoredCommand | null> {
  const [rows] = await database.write(sql`
    work AS (
      INSERT INTO commands (id, device_id, name, args, args_sealed, issued_by, expires_at)
      SELECT ${command.id}::text, d.id, ${command.name}::text,
        jsonb_build_object('reply_key', ${command.replyKey.publicKey}::text,
          'reply_key_sealed', ${command.replyKey.privateKeySealed}::text),
        ${command.argsSealed}::text, ${command.issuedBy}::text, now() + make_interval(secs => ${command.ttlSeconds})
      FROM devices d WHERE d.id = ${command.device}
      RETURNING ${columns}
    )`);
  const row = rows?.[0];
  return row === undefined ? null : commandOf(row);
}

/** Newest first; null when the actor sees no such device. */
export async function listCommands(
  database: TenantDatabase,
  device: DeviceId,
  keyset: Keyset,
): Promise<Page<StoredCommand> | null> {
  const [seen, rows] = await database.read(
    sql`SELECT 1 FROM devices WHERE id = ${device}`,
    sql`
      SELECT ${columns} FROM commands
      WHERE device_id = ${device} AND (${keyset.after}::text IS NULL OR id < ${keyset.after})
      ORDER BY id DESC LIMIT ${keyset.limit + 1}`,
  );
  return seen?.length === 1 ? pageOf((rows ?? []).map(commandOf), keyset) : null;
}

function commandOf(row: Row): StoredCommand {
  const name = deviceCommandNames.find((known) => known === row["name"]);
  if (name === undefined) throw new Error("the column name holds a command that was never written to it");
  return {
    id: idColumn("command", row, "id"),
    device: idColumn("device", row, "device_id"),
    name,
    args:
      row["args_sealed"] === null ? { clear: objectColumn(row, "args") } : { sealed: textColumn(row, "args_sealed") },
    issuedBy: idColumn("user", row, "issued_by"),
    issuedAt: instantColumn(row, "issued_at"),
    expiresAt: instantColumn(row, "expires_at"),
    reply: storedReply(row),
    repliedAt: instantOrNullColumn(row, "replied_at"),
  };
}

function storedReply(row: Row): StoredCommand["reply"] {
  const reply = row["reply"];
  if (row["args_sealed"] !== null && isObject(reply) && typeof reply["sealed"] === "string") {
    const { reply_key: publicKey, reply_key_sealed: privateKeySealed } = objectColumn(row, "args");
    if (typeof publicKey === "string" && typeof privateKeySealed === "string")
      return { sealed: reply["sealed"], key: { publicKey, privateKeySealed } };
  }
  return { clear: replyOf(idColumn("command", row, "id"), reply) };
}

/** A reply was written by a device, so its shape is judged here: what is no reply is not shown as one. */
export function replyOf(command: CommandId, reply: unknown): DeviceReply | null {
  if (typeof reply !== "object" || reply === null) return null;
  const { id, ok, result, error } = reply as Record<string, unknown>;
  if (id !== command) return null;
  if (ok === true && isObject(result)) return { id: command, ok, result };
  if (ok !== false || !isObject(error)) return null;
  const { code, detail } = error;
  return typeof code === "string" && typeof detail === "string" ? { id: command, ok, error: { code, detail } } : null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
