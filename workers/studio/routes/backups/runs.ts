import { listRuns, requestRun } from "../../../../store/control/backup-runs.ts";
import { pageAnswer, pageStart } from "../../http/cursor.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { pageOf, pageQuery } from "../../http/schemas.ts";
import { runAnswer, runView } from "./schemas.ts";

/** Asked again no sooner than this: what people ask for is counted by the day. */
const retrySeconds = 3_600;

/** Queues a backup; the clock makes it, so that closing the page does not stop it. */
export const createBackup = defineRoute(
  "createBackup",
  { caller: "member", status: 202, answer: runAnswer },
  async (context) => {
    const { services, scope, person } = context;
    const backup = services.makeId("backup");
    const queued = await requestRun(services.database, context.write(), scope, backup);
    if (queued.kind === "busy") return refuse("conflict", { detail: "A backup is being made already." });
    if (queued.kind === "too_many") return refuse("rate_limited", { headers: { "Retry-After": String(retrySeconds) } });
    context.caused([
      { type: "backup", user_id: person.user, org_id: scope.org, backup_id: backup, action: "requested" },
    ]);
    return answer(runView(queued.run));
  },
);

export const listBackupRuns = defineRoute(
  "listBackupRuns",
  { caller: "member", query: pageQuery, status: 200, answer: pageOf(runAnswer) },
  async ({ services, scope, routeName }, { query }) => {
    const list = { key: services.keys.cursor, route: routeName, owner: scope.org };
    const start = pageStart(list, query);
    if (start.kind !== "ok") return refuse("invalid_cursor");
    const found = await listRuns(services.database, scope, { before: start.after, limit: start.limit + 1 });
    const items = found.slice(0, start.limit).map(runView);
    return answer(pageAnswer(list, items, found.length > start.limit ? (items.at(-1)?.id ?? null) : null));
  },
);
