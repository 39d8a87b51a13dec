import { z } from "@hono/zod-openapi";
import { listSessions } from "../../../../store/control/sessions.ts";
import { pageAnswer, pageStart } from "../../http/cursor.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { idText, instant, pageOf, pageQuery } from "../../http/schemas.ts";

const session = z.object({
  id: idText,
  ip: z.string(),
  user_agent: z.string(),
  created_at: instant,
  last_seen_at: instant,
  expires_at: instant,
  current: z.boolean(),
});

/** Newest first. */
export const mySessions = defineRoute(
  "mySessions",
  { caller: "person", query: pageQuery, status: 200, answer: pageOf(session) },
  async ({ services, person, routeName }, { query }) => {
    const scope = { key: services.keys.cursor, route: routeName, owner: person.user };
    const start = pageStart(scope, query);
    if (start.kind !== "ok") return refuse("invalid_cursor");
    const page = { before: start.after, limit: start.limit + 1, nowMs: services.now() };
    const found = await listSessions(services.database, person.user, page);
    const shown = found.slice(0, start.limit);
    const items = shown.map(({ id, ip, userAgent, createdAt, lastSeenAt, expiresAt }) => ({
      id,
      ip,
      user_agent: userAgent,
      created_at: createdAt,
      last_seen_at: lastSeenAt,
      expires_at: expiresAt,
      current: id === person.session,
    }));
    return answer(pageAnswer(scope, items, found.length > start.limit ? (shown.at(-1)?.id ?? null) : null));
  },
);
