import type { Job } from "../../../core/mesh/workloads.ts";
import type { DocumentsRpc } from "../../../core/rpc/documents.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
import type { Actor } from "../../../store/tenant/tenant-scope.ts";

/** Who may call a method: these roles, or this job. */
export interface MethodRight {
  readonly roles: readonly Role[];
  readonly jobs: readonly Job[];
}

/** Row-level security chooses the documents. */
const readers: MethodRight = { roles: ["owner", "admin", "analyst", "viewer", "readonly"], jobs: [] };
const writers: MethodRight = { roles: ["owner", "admin", "analyst"], jobs: [] };
const clock: MethodRight = { roles: [], jobs: ["tend_documents"] };

/**
 * The second of three locks: studio has decided before, and row-level security decides after. It is a table of its own
 * on purpose, so that a mistake in one is not a mistake in all. Every call is good for once, whatever it asks.
 */
export const methodRights: Readonly<Record<keyof DocumentsRpc, MethodRight>> = {
  beginUpload: writers,
  // Whoever may not write finds none.
  findUpload: readers,
  putPart: writers,
  completeUpload: writers,
  cancelUpload: writers,

  listDocuments: readers,
  getDocument: readers,
  listVersions: readers,
  renameDocument: writers,
  openContent: readers,

  removeDocument: writers,
  restoreDocument: writers,

  addShare: writers,
  listShares: readers,
  removeShare: writers,

  tend: clock,
  expunge: clock,
  erase: clock,
};

/** True when the table lets this actor call this method. */
export function mayCall(method: keyof DocumentsRpc, actor: Actor): boolean {
  const right = methodRights[method];
  return actor.kind === "user" ? right.roles.includes(actor.role) : right.jobs.includes(actor.job);
}
