import { z } from "@hono/zod-openapi";
import { wafRecordDays } from "../../../../core/tenancy/waf-record.ts";
import { readPolicy } from "../../../../store/control/policies.ts";
import { fromPart } from "../../downstream.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { decision, decisionView } from "../../waf/decision-view.ts";
import { replay } from "../../waf/replay.ts";
import { wafPolicyOf, wafWanted } from "./waf-schemas.ts";

/** Changed requests that are shown; the rest are counted. */
const shownMax = 100;

const replayed = z.object({
  days: z.int(),
  requests: z.int(),
  newly_refused: z.int(),
  newly_passed: z.int(),
  undetermined: z.int(),
  changed: z.array(decision.extend({ change: z.enum(["newly_refused", "newly_passed", "undetermined"]) })),
});

/** What a policy would have changed, before it is saved. It changes nothing, and looks at what is in nobody's answer. */
export const replayWaf = defineRoute(
  "replayWaf",
  { caller: "member", body: wafWanted, status: 200, answer: replayed },
  async (context, { body }) => {
    const { services, scope } = context;
    const after = wafPolicyOf(body, services.now());
    if ("length" in after) return refuse("invalid_request", { errors: after });
    const [stored, kept] = await Promise.all([
      readPolicy(services.database, scope),
      fromPart("audit log", async () => services.auditReader.waf(await context.asUser("durable-objects.audit-reader"))),
    ]);
    if (stored === null) return refuse("not_found");
    const before = stored.policy.waf;
    const tried = replay(kept, before, after, services.now());
    return answer({
      days: wafRecordDays,
      requests: tried.total,
      newly_refused: tried.newlyRefused,
      newly_passed: tried.newlyPassed,
      undetermined: tried.undetermined,
      changed: tried.changed
        .slice(0, shownMax)
        .map(({ kept: one, change }) => ({ ...decisionView(one, before), change })),
    });
  },
);
