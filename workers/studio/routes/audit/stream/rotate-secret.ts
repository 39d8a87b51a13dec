import { z } from "@hono/zod-openapi";
import { findAuditStream, rotateStreamSecret } from "../../../../../store/control/audit-streams.ts";
import { makeStreamSecret } from "../../../audit/stream/secrets.ts";
import { defineRoute } from "../../../http/define-route.ts";
import { answer, refuse } from "../../../http/result.ts";
import { instant } from "../../../http/schemas.ts";

/** Messages are signed under both until the older one ends. */
export const rotateAuditStreamSecret = defineRoute(
  "rotateAuditStreamSecret",
  { caller: "member", status: 201, answer: z.object({ secret: z.string(), previous_secret_until: instant }) },
  async (context) => {
    const { services, scope, person } = context;
    const found = await findAuditStream(services.database, scope, services.now());
    if (found === null) return refuse("not_found");
    const { secret, sealed } = await makeStreamSecret(services, found.id);
    const until = await rotateStreamSecret(services.database, context.write(), scope, found.id, sealed);
    if (until === null) return refuse("not_found");
    context.caused([
      { type: "key_change", user_id: person.user, kind: "audit_stream_secret", key_id: found.id, action: "rotated" },
    ]);
    return answer({ secret, previous_secret_until: until });
  },
);
