import { z } from "@hono/zod-openapi";
import { findAuditStream } from "../../../../../store/control/audit-streams.ts";
import { defineRoute } from "../../../http/define-route.ts";
import { answer } from "../../../http/result.ts";
import { shownStream, stream } from "./schemas.ts";

export const getAuditStream = defineRoute(
  "getAuditStream",
  /** Null: the log is streamed nowhere. */
  { caller: "member", status: 200, answer: z.object({ stream: stream.nullable() }) },
  async ({ services, scope }) => {
    const found = await findAuditStream(services.database, scope, services.now());
    return answer({ stream: found === null ? null : shownStream(found) });
  },
);
