import { listApiKeys as readApiKeys } from "../../../../store/control/api-keys.ts";
import { pageAnswer, pageStart } from "../../http/cursor.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { pageOf, pageQuery } from "../../http/schemas.ts";
import { apiKey, apiKeyView } from "./schemas.ts";

export const listApiKeys = defineRoute(
  "listApiKeys",
  { caller: "member", query: pageQuery, status: 200, answer: pageOf(apiKey) },
  async ({ services, scope, routeName }, { query }) => {
    const list = { key: services.keys.cursor, route: routeName, owner: scope.org };
    const start = pageStart(list, query);
    if (start.kind !== "ok") return refuse("invalid_cursor");
    const page = { after: start.after, limit: start.limit + 1 };
    const found = await readApiKeys(services.database, scope, page);
    const shown = found.slice(0, start.limit);
    const next = found.length > start.limit ? (shown.at(-1)?.id ?? null) : null;
    return answer(pageAnswer(list, shown.map(apiKeyView), next));
  },
);
