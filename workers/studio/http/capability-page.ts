import type { Page, PageRequest, Result } from "../../../core/rpc/capabilities.ts";
import { refusalOf } from "../downstream.ts";
import type { MemberContext } from "../pipeline/request-context.ts";
import { pageAnswer, pageStart } from "./cursor.ts";
import { answer, type HandlerResult, refuse } from "./result.ts";
import type { PageQuery } from "./schemas.ts";

/**
 * Answers a list that a capability pages: its cursor travels inside ours, which is bound to the route, the
 * organisation and one thing within it.
 */
export async function capabilityPage<T, V>(
  context: MemberContext,
  query: PageQuery,
  list: {
    /** Id of the thing whose list it is, "" for the organisation's own. */
    readonly of: string;
    readonly read: (page: PageRequest) => Promise<Result<Page<T>>>;
    readonly view: (item: T) => V;
  },
): Promise<HandlerResult<{ items: V[]; next_cursor: string | null }>> {
  const { services, membership, routeName } = context;
  const scope = { key: services.keys.cursor, route: routeName, owner: `${membership.org} ${list.of}` };
  const start = pageStart(scope, query);
  if (start.kind !== "ok") return refuse("invalid_cursor");
  const page = await list.read({ limit: start.limit, cursor: start.after });
  if (!page.ok) return refusalOf(page);
  return answer(pageAnswer(scope, page.value.items.map(list.view), page.value.nextCursor));
}
