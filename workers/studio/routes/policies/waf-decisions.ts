import { z } from "@hono/zod-openapi";
import { readPolicy } from "../../../../store/control/policies.ts";
import { fromPart } from "../../downstream.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { decision, decisionView } from "../../waf/decision-view.ts";

/** Kinds of decisions in one answer; the refused and the newest come first, and a week has few. */
const shownMax = 200;

/** What the firewall refused, or found and let pass, in the last seven days: alike requests as one. */
export const listWafDecisions = defineRoute(
  "listWafDecisions",
  { caller: "member", status: 200, answer: z.object({ items: z.array(decision), next_cursor: z.null() }) },
  async (context) => {
    const { services, scope } = context;
    const [stored, kept] = await Promise.all([
      readPolicy(services.database, scope),
      fromPart("audit log", async () => services.auditReader.waf(await context.asUser("durable-objects.audit-reader"))),
    ]);
    if (stored === null) return refuse("not_found");
    const telling = kept.filter(({ record }) => record.outcome !== "pass" || record.findings.length > 0);
    return answer({
      items: telling.slice(0, shownMax).map((one) => decisionView(one, stored.policy.waf)),
      next_cursor: null,
    });
  },
);
