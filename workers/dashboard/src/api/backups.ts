import * as z from "zod/mini";
import { call, path } from "./client.ts";
import { pageRows } from "./pages.ts";
import { type Page, pageOf } from "./schemas.ts";

const backupSchema = z.object({
  id: z.string(),
  snapshot_at: z.string(),
  created_at: z.string(),
  /** Of the file. */
  bytes: z.number(),
  rows: z.number(),
  verified_at: z.nullable(z.string()),
  /** Its key is gone. */
  destroyed: z.boolean(),
});
export type Backup = z.infer<typeof backupSchema>;

export const backupsKey = (org: string) => ["backups", org] as const;

export function listBackups(org: string, cursor: string | null, signal: AbortSignal): Promise<Page<Backup>> {
  return call(path("orgs", org, "backups"), pageOf(backupSchema), { query: { limit: pageRows, cursor }, signal });
}
