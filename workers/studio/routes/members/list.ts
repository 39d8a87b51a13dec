import { z } from "@hono/zod-openapi";
import { listMembers as readMembers } from "../../../../store/control/members.ts";
import { pageAnswer, pageStart } from "../../http/cursor.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { idText, instant, pageOf, pageQuery, role } from "../../http/schemas.ts";

const member = z.object({ user_id: idText, email: z.string(), name: z.string(), role, joined_at: instant });

export const listMembers = defineRoute(
  "listMembers",
  { caller: "member", query: pageQuery, status: 200, answer: pageOf(member) },
  async ({ services, membership, routeName }, { query }) => {
    const scope = { key: services.keys.cursor, route: routeName, owner: membership.org };
    const start = pageStart(scope, query);
    if (start.kind !== "ok") return refuse("invalid_cursor");
    const found = await readMembers(services.database, membership.org, start.after, start.limit + 1);
    const page = found.slice(0, start.limit);
    const items = page.map(({ user, email, name, role: held, createdAt }) => ({
      user_id: user,
      email,
      name,
      role: held,
      joined_at: createdAt,
    }));
    return answer(pageAnswer(scope, items, found.length > start.limit ? (page.at(-1)?.user ?? null) : null));
  },
);
