/** The platform's own backups, for the operator who restores one: listed, fetched in pieces, and opened. */
import { z } from "@hono/zod-openapi";
import type { SignedCall } from "../../../../core/mesh/claims.ts";
import { type BackupsRpc, backupReadBytesMax } from "../../../../core/rpc/backups.ts";
import { listBackups } from "../../../../store/control/backups.ts";
import { findOverview } from "../../../../store/control/lifecycle.ts";
import type { OrgScope } from "../../../../store/control/org-scope.ts";
import { fromPart } from "../../downstream.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { idOf, orgReference } from "../../http/schemas.ts";
import { recordForOrganisation } from "../../lifecycle/record-change.ts";
import type { OperatorContext } from "../../pipeline/request-context.ts";
import { backupAnswer, backupView } from "../backups/schemas.ts";

const params = z.strictObject({ target: orgReference });
const one = z.strictObject({ target: orgReference, backup: idOf("backup") });

/** More than any plan keeps, and the operator's own beside them. */
const listedMax = 200;

export const operatorListBackups = defineRoute(
  "operatorListBackups",
  { caller: "operator", params, status: 200, answer: z.object({ org: z.string(), items: z.array(backupAnswer) }) },
  async (context, { params: { target } }) => {
    const scope = await organisation(context, target);
    if (scope === null) return refuse("not_found");
    const found = await listBackups(context.services.database, scope, { before: null, limit: listedMax });
    return answer({ org: scope.org, items: found.map(backupView) });
  },
);

/** Of an object; R2 holds none that is larger than 5 TiB. */
const offsetMax = 5 * 1024 ** 4;

/** What is in it is sealed; with its key, which is asked for apart, it is the organisation's data. */
export const readBackup = defineRoute(
  "readBackup",
  {
    caller: "operator",
    params: one,
    query: z.strictObject({ offset: z.coerce.number().int().min(0).max(offsetMax) }),
    status: 200,
    /** Base64; none behind the end. */
    answer: z.object({ bytes: z.string(), size: z.int().nonnegative() }),
  },
  async (context, { params: { target, backup }, query: { offset } }) => {
    const scope = await organisation(context, target);
    if (scope === null) return refuse("not_found");
    const piece = await ask(context, scope, (backups, call) => backups.read(call, backup, offset, backupReadBytesMax));
    if (piece === null) return refuse("not_found");
    return answer({ bytes: Buffer.from(piece.bytes).toString("base64"), size: piece.size });
  },
);

/** The key that opens one backup. On record in the organisation's own log before it is given; refused when it can't be. */
export const openBackupKey = defineRoute(
  "openBackupKey",
  { caller: "operator", params: one, status: 200, answer: z.object({ key: z.string() }) },
  async (context, { params: { target, backup } }) => {
    const scope = await organisation(context, target);
    if (scope === null) return refuse("not_found");
    const opened = await ask(context, scope, (backups, call) => backups.openKey(call, backup));
    if (!opened.ok) {
      if (opened.code === "unknown_backup") return refuse("not_found");
      return opened.code === "key_destroyed"
        ? refuse("conflict", { detail: "Its key was destroyed: nothing opens it any more." })
        : refuse("key_unavailable");
    }
    const { org } = scope;
    await recordForOrganisation(context, org, {
      type: "backup",
      user_id: null,
      org_id: org,
      backup_id: backup,
      action: "opened",
    });
    return answer({ key: Buffer.from(opened.key).toString("base64url") });
  },
);

async function organisation(context: OperatorContext, text: string): Promise<OrgScope | null> {
  return (await findOverview(context.services.database, context.platform, text))?.scope ?? null;
}

/** @throws Unavailable */
function ask<T>(
  { services, requestId }: OperatorContext,
  { org }: OrgScope,
  work: (backups: BackupsRpc, call: SignedCall) => Promise<T>,
): Promise<T> {
  return fromPart("backups", async () =>
    work(services.backups, await services.caller.asJob("capabilities.backups", "tend_backups", org, requestId)),
  );
}
