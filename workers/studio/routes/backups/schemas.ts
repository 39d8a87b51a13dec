import { z } from "@hono/zod-openapi";
import type { BackupRun } from "../../../../store/control/backup-runs.ts";
import type { BackupSummary } from "../../../../store/control/backups.ts";
import { idText, instant } from "../../http/schemas.ts";

const count = z.int().nonnegative();

export const backupAnswer = z.object({
  id: idText,
  snapshot_at: instant,
  created_at: instant,
  bytes: count,
  rows: count,
  verified_at: instant.nullable(),
  destroyed: z.boolean(),
  made_by: z.enum(["operator", "platform"]),
});

export const backupView = (backup: BackupSummary): z.output<typeof backupAnswer> => ({
  id: backup.id,
  snapshot_at: backup.snapshotAt,
  created_at: backup.createdAt,
  bytes: backup.bytes,
  rows: backup.rows,
  verified_at: backup.verifiedAt,
  destroyed: backup.destroyed,
  made_by: backup.madeBy,
});

export const runAnswer = z.object({
  /** Of the backup that it makes. */
  id: idText,
  /** False: the clock's. */
  by_request: z.boolean(),
  state: z.enum(["queued", "running", "done", "failed"]),
  /** Why it failed, in one word. */
  failure: z.string().nullable(),
  requested_at: instant,
  started_at: instant.nullable(),
  finished_at: instant.nullable(),
  /** Of rows read so far. */
  bytes: count,
  /** Of the tables on disk, to tell progress by. */
  bytes_estimated: count.nullable(),
});

export const runView = (run: BackupRun): z.output<typeof runAnswer> => ({
  id: run.id,
  by_request: run.byRequest,
  state: run.state,
  failure: run.failure,
  requested_at: run.requestedAt,
  started_at: run.startedAt,
  finished_at: run.finishedAt,
  bytes: run.bytes,
  bytes_estimated: run.bytesEstimated,
});
