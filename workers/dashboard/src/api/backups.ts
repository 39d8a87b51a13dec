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
  made_by: z.enum(["operator", "platform"]),
});
export type Backup = z.infer<typeof backupSchema>;

export const backupsKey = (org: string) => ["backups", org] as const;

export function listBackups(org: string, cursor: string | null, signal: AbortSignal): Promise<Page<Backup>> {
  return call(path("orgs", org, "backups"), pageOf(backupSchema), { query: { limit: pageRows, cursor }, signal });
}

const runSchema = z.object({
  id: z.string(),
  by_request: z.boolean(),
  state: z.enum(["queued", "running", "done", "failed"]),
  failure: z.nullable(z.string()),
  requested_at: z.string(),
  finished_at: z.nullable(z.string()),
  /** Of rows read so far. */
  bytes: z.number(),
  bytes_estimated: z.nullable(z.number()),
});
export type BackupRun = z.infer<typeof runSchema>;

export const backupRunsKey = (org: string) => ["backup-runs", org] as const;

/** The newest few: what is shown is whether one is on its way, and how the last one ended. */
export async function newestRuns(org: string, signal: AbortSignal): Promise<readonly BackupRun[]> {
  const page = await call(path("orgs", org, "backups", "runs"), pageOf(runSchema), { query: { limit: 5 }, signal });
  return page.items;
}

export function createBackup(org: string, idempotencyKey: string): Promise<BackupRun> {
  return call(path("orgs", org, "backups"), runSchema, { method: "POST", idempotencyKey });
}
