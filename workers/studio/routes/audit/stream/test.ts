import { z } from "@hono/zod-openapi";
import { testBody } from "../../../../../core/audit/stream/test-message.ts";
import { judge, streamFailures } from "../../../../../core/audit/stream/verdict.ts";
import { webhookHeaders } from "../../../../../core/crypto/webhook-signature.ts";
import { claimStreamTest, testPauseMs } from "../../../../../store/control/audit-stream-tests.ts";
import { openStreamSecrets } from "../../../audit/stream/secrets.ts";
import { defineRoute } from "../../../http/define-route.ts";
import { answer, refuse } from "../../../http/result.ts";

/** What came of it. Of the answer's text nothing is read: it would be a way to read what others' servers say. */
const tested = z.object({
  taken: z.boolean(),
  /** Null: it was taken. */
  failure: z.enum(streamFailures).nullable(),
  /** Of the answer; null when there was none. */
  status: z.int().nullable(),
  /** From the first byte sent to the answer's head, in milliseconds. */
  took_ms: z.int(),
});

/** One message to the stream's destination, now, signed like any other. The stream itself goes on as if nothing was. */
export const testAuditStream = defineRoute(
  "testAuditStream",
  { caller: "member", status: 200, answer: tested },
  async (context) => {
    const { services, scope, requestId } = context;
    const write = context.write();
    const claim = await claimStreamTest(services.database, write, scope);
    if (claim.kind === "none") return refuse("not_found");
    if (claim.kind === "too_soon")
      return refuse("rate_limited", { headers: { "Retry-After": String(testPauseMs / 1000) } });
    const { id, url, sealed } = claim.stream;
    const sentAtMs = services.now();
    const body = testBody(scope.org, new Date(sentAtMs).toISOString());
    const secrets = await openStreamSecrets(services, id, sealed);
    const headers = await webhookHeaders({ id: `${id}.test-${requestId}`, sentAtMs, body }, secrets);
    const sent = await services.streams.post(url, headers, body);
    const verdict = judge(sent);
    const failure = verdict.kind === "taken" ? null : verdict.failure;
    const tookMs = Math.max(0, Math.round(services.now() - sentAtMs));
    return answer({ taken: failure === null, failure, status: sent.status, took_ms: tookMs });
  },
);
