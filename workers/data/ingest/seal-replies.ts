import { sealReply } from "../../../core/crypto/reply-key.ts";
import { parseId } from "../../../core/ids.ts";
import type { IngestRecord } from "../../../core/rpc/data.ts";
import { sql } from "../../../store/connect.ts";
import type { OrgScope } from "../../../store/control/org-scope.ts";
import { runAsSystem } from "../tenant-access.ts";
import type { DataUnit } from "../unit.ts";
import type { StorableRecord } from "./statements.ts";

/**
 * Seals a batch's replies, each with the public key that its command brought along: what is stored here can't be
 * opened here. A batch without replies asks for nothing.
 * @throws TenantNotReady, DatabaseError
 */
export async function sealReplies(
  unit: DataUnit,
  scope: OrgScope,
  records: readonly IngestRecord[],
): Promise<StorableRecord[]> {
  const commands = [...new Set(records.flatMap((record) => (record.kind === "reply" ? [record.reply.id] : [])))];
  const keys = commands.length === 0 ? new Map<string, string>() : await keysOf(unit, scope, commands);
  return await Promise.all(
    records.map(async (record): Promise<StorableRecord> => {
      if (record.kind !== "reply") return record;
      const [key, command] = [keys.get(record.reply.id), parseId("command", record.reply.id)];
      if (key === undefined || command === null) return { ...record, sealed: null };
      const text = Uint8Array.from(new TextEncoder().encode(JSON.stringify(record.reply)));
      return { ...record, sealed: await sealReply({ org: scope.org, command }, key, text) };
    }),
  );
}

/** The public keys of commands that wait for a reply and have one. */
async function keysOf(unit: DataUnit, scope: OrgScope, commands: readonly string[]): Promise<Map<string, string>> {
  const [rows = []] = await runAsSystem(unit, scope, [
    sql`SELECT id, args ->> 'reply_key' AS reply_key FROM commands
      WHERE id = ANY (${[...commands]}::text[]) AND replied_at IS NULL
        AND args_sealed IS NOT NULL AND args ? 'reply_key'`,
  ]);
  return new Map(rows.map((row) => [String(row["id"]), String(row["reply_key"])]));
}
