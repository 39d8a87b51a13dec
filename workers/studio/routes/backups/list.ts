import { z } from "@hono/zod-openapi";
import { listBackups as readBackups } from "../../../../store/control/backups.ts";
import { pageAnswer, pageStart } from "../../http/cursor.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { idText, instant, pageOf, pageQuery } from "../../http/schemas.ts";

const count = z.int().nonnegative();
const backup = z.object({
  id: idText,
  snapshot_at: instant,
  created_at: instant,
  bytes: count,
  rows: count,
  verified_at: instant.nullable(),
  destroyed: z.boolean(),
});

export const listBackups = defineRoute(
  "listBackups",
  { caller: "member", query: pageQuery, status: 200, answer: pageOf(backup) },
  async ({ services, scope, routeName }, { query }) => {
    const list = { key: services.keys.cursor, route: routeName, owner: scope.org };
    const start = pageStart(list, query);
    if (start.kind !== "ok") return refuse("invalid_cursor");
    const page = { before: start.after, limit: start.limit + 1 };
    const found = await readBackups(services.database, scope, page);
    const items = found
      .slice(0, start.limit)
      .map(({ id, snapshotAt, createdAt, bytes, rows, verifiedAt, destroyed }) => {
        return { id, snapshot_at: snapshotAt, created_at: createdAt, bytes, rows, verified_at: verifiedAt, destroyed };
      });
    return answer(pageAnswer(list, items, found.length > start.limit ? (items.at(-1)?.id ?? null) : null));
  },
);
