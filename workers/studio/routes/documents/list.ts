import { z } from "@hono/zod-openapi";
import type { PageRequest } from "../../../../core/rpc/capabilities.ts";
import { askDocuments, documentRefusal } from "../../http/ask-documents.ts";
import { pageAnswer, pageStart } from "../../http/cursor.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { pageOf, pageQuery } from "../../http/schemas.ts";
import { document, documentView } from "./schemas.ts";

/** Characters of what is looked for. */
const queryCharactersMax = 200;

/** Newest first. A list is no reading of a document: what stands here is what its name is. */
export const listDocuments = defineRoute(
  "listDocuments",
  {
    caller: "member",
    query: pageQuery.extend({
      q: z.string().min(1).max(queryCharactersMax).optional(),
      bin: z.enum(["true", "false"]).optional(),
    }),
    status: 200,
    answer: pageOf(document),
  },
  async (context, { query }) => {
    const { services, membership, routeName } = context;
    const [words, bin] = [query.q ?? null, query.bin === "true"];
    // A cursor is good for the list it came from, whatever was looked for: positions are ids.
    const scope = { key: services.keys.cursor, route: routeName, owner: `${membership.org} ` };
    const start = pageStart(scope, query);
    if (start.kind !== "ok") return refuse("invalid_cursor");
    const page: PageRequest = { limit: start.limit, cursor: start.after };
    const found = await askDocuments(context, (documents, call) =>
      documents.listDocuments(call, { ...page, query: words, bin }),
    );
    if (!found.ok) return documentRefusal(context, found);
    return answer(pageAnswer(scope, found.value.items.map(documentView), found.value.nextCursor));
  },
);
