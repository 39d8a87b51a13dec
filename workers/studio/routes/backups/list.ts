import { listBackups as readBackups } from "../../../../store/control/backups.ts";
import { pageAnswer, pageStart } from "../../http/cursor.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { pageOf, pageQuery } from "../../http/schemas.ts";
import { backupAnswer, backupView } from "./schemas.ts";

export const listBackups = defineRoute(
  "listBackups",
  { caller: "member", query: pageQuery, status: 200, answer: pageOf(backupAnswer) },
  async ({ services, scope, routeName }, { query }) => {
    const list = { key: services.keys.cursor, route: routeName, owner: scope.org };
    const start = pageStart(list, query);
    if (start.kind !== "ok") return refuse("invalid_cursor");
    const page = { before: start.after, limit: start.limit + 1 };
    const found = await readBackups(services.database, scope, page);
    const items = found.slice(0, start.limit).map(backupView);
    return answer(pageAnswer(list, items, found.length > start.limit ? (items.at(-1)?.id ?? null) : null));
  },
);
