import { z } from "@hono/zod-openapi";
import { changeAuditStream, createAuditStream } from "../../../../../store/control/audit-streams.ts";
import { makeStreamSecret } from "../../../audit/stream/secrets.ts";
import { fromPart } from "../../../downstream.ts";
import { defineRoute } from "../../../http/define-route.ts";
import { answer, refuse } from "../../../http/result.ts";
import { idText } from "../../../http/schemas.ts";
import type { MemberContext } from "../../../pipeline/request-context.ts";
import { parseDestination, settings } from "./schemas.ts";

/** `secret`: of a stream that was made, as receivers' libraries take it, in this answer and nowhere else. */
const put = z.object({ id: idText.nullable(), secret: z.string().nullable() });

/** Makes the stream, or changes where and how it goes on; what was delivered stays delivered. */
export const putAuditStream = defineRoute(
  "putAuditStream",
  { caller: "member", body: settings, status: 200, answer: put },
  async (context, { body: { url: given, format, from = "now" } }) => {
    const { services, scope, person } = context;
    const url = parseDestination(services, given);
    if (url === null) {
      const message = "must be an https address of a public name, without a port, a password or a fragment";
      return refuse("invalid_request", { errors: [{ path: "url", message }] });
    }
    const changed = { type: "policy_change", user_id: person.user, policy: "audit_stream" } as const;
    const write = context.write();
    if (await changeAuditStream(services.database, write, scope, { url, format })) {
      context.caused([changed]);
      return answer({ id: null, secret: null });
    }
    const id = services.makeId("auditStream");
    const { secret, sealed } = await makeStreamSecret(services, id);
    const fromSeq = from === "beginning" ? 0 : await newestSeq(context);
    const created = await createAuditStream(services.database, write, scope, { id, url, format, sealed, fromSeq });
    if (!created) return refuse("conflict", { detail: "Somebody else has just made one: look, and change that" });
    context.caused([
      changed,
      { type: "key_change", user_id: person.user, kind: "audit_stream_secret", key_id: id, action: "created" },
    ]);
    return answer({ id, secret });
  },
);

/** Number of the newest entry: this very request's intent, or one behind it. */
async function newestSeq(context: MemberContext): Promise<number> {
  const anything = { type: null, actor: null, fromMs: null, toMs: null, beforeSeq: null };
  const { items } = await fromPart("audit reader", async () =>
    context.services.auditReader.list(await context.asUser("durable-objects.audit-reader"), { ...anything, limit: 1 }),
  );
  return items[0]?.seq ?? 0;
}
