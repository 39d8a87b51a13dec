import { z } from "@hono/zod-openapi";
import { pageItemsMax } from "../../../../core/limits.ts";
import { listSessions } from "../../../../store/control/sessions.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer } from "../../http/result.ts";
import { idText, instant, pageOf } from "../../http/schemas.ts";

const session = z.object({
  id: idText,
  ip: z.string(),
  user_agent: z.string(),
  created_at: instant,
  last_seen_at: instant,
  expires_at: instant,
  current: z.boolean(),
});

/** One page is all: the newest live sessions, which a day and 30 sign-ins a minute keep few. */
export const mySessions = defineRoute(
  "mySessions",
  { caller: "person", status: 200, answer: pageOf(session) },
  async ({ services, person }) => {
    const sessions = await listSessions(services.database, person.user, services.now(), pageItemsMax);
    const items = sessions.map(({ id, ip, userAgent, createdAt, lastSeenAt, expiresAt }) => ({
      id,
      ip,
      user_agent: userAgent,
      created_at: createdAt,
      last_seen_at: lastSeenAt,
      expires_at: expiresAt,
      current: id === person.session,
    }));
    return answer({ items, next_cursor: null });
  },
);
