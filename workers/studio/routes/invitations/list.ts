import { listInvitations as readInvitations } from "../../../../store/control/invitations.ts";
import { pageAnswer, pageStart } from "../../http/cursor.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { pageOf, pageQuery } from "../../http/schemas.ts";
import { invitation, invitationView } from "./schemas.ts";

export const listInvitations = defineRoute(
  "listInvitations",
  { caller: "member", query: pageQuery, status: 200, answer: pageOf(invitation) },
  async ({ services, scope, routeName }, { query }) => {
    const list = { key: services.keys.cursor, route: routeName, owner: scope.org };
    const start = pageStart(list, query);
    if (start.kind !== "ok") return refuse("invalid_cursor");
    const { after, limit } = start;
    const page = { after, limit: limit + 1, nowMs: services.now() };
    const found = await readInvitations(services.database, scope, page);
    const items = found.slice(0, limit);
    return answer(
      pageAnswer(list, items.map(invitationView), found.length > limit ? (items.at(-1)?.id ?? null) : null),
    );
  },
);
