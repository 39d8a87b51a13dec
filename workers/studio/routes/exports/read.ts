import type { UserId } from "../../../../core/ids.ts";
import {
  cancelExport as endExport,
  findExport,
  listExports as readExports,
} from "../../../../store/control/exports.ts";
import { pageAnswer, pageStart } from "../../http/cursor.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { nothing, pageOf, pageQuery } from "../../http/schemas.ts";
import type { MemberContext } from "../../pipeline/request-context.ts";
import { exportAnswer, exportParams, exportView } from "./schemas.ts";

/** An analyst sees their own exports; who else may see any sees everybody's, null. */
const whose = ({ membership, person }: MemberContext): UserId | null =>
  membership.role === "analyst" || membership.role === "viewer" ? person.user : null;

export const listExports = defineRoute(
  "listExports",
  { caller: "member", query: pageQuery, status: 200, answer: pageOf(exportAnswer) },
  async (context, { query }) => {
    const { services, scope, routeName, person } = context;
    const list = { key: services.keys.cursor, route: routeName, owner: `${scope.org} ${person.user}` };
    const start = pageStart(list, query);
    if (start.kind !== "ok") return refuse("invalid_cursor");
    const page = { of: whose(context), before: start.after, limit: start.limit + 1 };
    const found = await readExports(services.database, scope, page);
    const items = found.slice(0, start.limit).map(exportView);
    return answer(pageAnswer(list, items, found.length > start.limit ? (items.at(-1)?.id ?? null) : null));
  },
);

export const getExport = defineRoute(
  "getExport",
  { caller: "member", params: exportParams, status: 200, answer: exportAnswer },
  async (context, { params }) => {
    const found = await findExport(context.services.database, context.scope, params.export_id, whose(context));
    return found === null ? refuse("not_found") : answer(exportView(found));
  },
);

/** What it has written goes with the clock's next visit; nothing opens it from this moment on. */
export const cancelExport = defineRoute(
  "cancelExport",
  { caller: "member", params: exportParams, status: 204, answer: nothing },
  async (context, { params }) => {
    const { services, scope } = context;
    const of = whose(context);
    const outcome = await endExport(services.database, context.write(), scope, params.export_id, of);
    if (outcome === "cancelled") return answer(null);
    return outcome === "over" ? refuse("conflict", { detail: "The export is over already" }) : refuse("not_found");
  },
);
