import { z } from "@hono/zod-openapi";
import { listMembers as readMembers } from "../../../../store/control/members.ts";
import { pageAnswer, pageStart } from "../../http/cursor.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { idText, instant, pageOf, pageQuery, role } from "../../http/schemas.ts";

const member = z.object({
  user_id: idText,
  email: z.string().nullable(),
  name: z.string(),
  role,
  joined_at: instant,
  disabled_at: instant.nullable(),
});
/** People, unless the service users of API keys are asked for. */
const query = pageQuery.extend({ kind: z.enum(["person", "service"]).optional() });

export const listMembers = defineRoute(
  "listMembers",
  { caller: "member", query, status: 200, answer: pageOf(member) },
  async ({ services, scope, routeName }, { query: asked }) => {
    const list = { key: services.keys.cursor, route: routeName, owner: scope.org };
    const start = pageStart(list, asked);
    if (start.kind !== "ok") return refuse("invalid_cursor");
    const found = await readMembers(services.database, scope, {
      kind: asked.kind ?? "person",
      after: start.after,
      limit: start.limit + 1,
    });
    const page = found.slice(0, start.limit);
    const items = page.map(({ user, email, name, role: held, createdAt, disabledAt }) => ({
      user_id: user,
      email,
      name,
      role: held,
      joined_at: createdAt,
      disabled_at: disabledAt,
    }));
    return answer(pageAnswer(list, items, found.length > start.limit ? (page.at(-1)?.user ?? null) : null));
  },
);
