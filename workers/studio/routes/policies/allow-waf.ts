import { readPolicy } from "../../../../store/control/policies.ts";
import { defineRoute } from "../../http/define-route.ts";
import { refuse } from "../../http/result.ts";
import { storeWaf } from "./replace-waf.ts";
import { wafAllow, wafAnswer, wafPolicyOf } from "./waf-schemas.ts";

/** "Allow this": lets one field of one endpoint pass some rules until a day. What was exempted so before is renewed. */
export const allowWaf = defineRoute(
  "allowWaf",
  { caller: "member", body: wafAllow, status: 201, answer: wafAnswer },
  async (context, { body: { endpoint, items, until } }) => {
    const { services, scope } = context;
    const stored = await readPolicy(services.database, scope);
    if (stored === null) return refuse("not_found");
    const { waf } = stored.policy;
    const wanted = items.map(({ rule, field }) => ({ rule, endpoint, field, until }));
    if (!(Date.parse(until) > services.now()))
      return refuse("invalid_request", {
        errors: [{ path: "until", message: "must be a time that is still to come" }],
      });
    const others = waf.allowances.filter(
      (one) =>
        !wanted.some((other) => other.rule === one.rule && other.field === one.field && endpoint === one.endpoint),
    );
    const policy = wafPolicyOf({ ...waf, allowances: [...others, ...wanted] } as never, services.now());
    if ("length" in policy) return refuse("invalid_request", { errors: policy });
    return await storeWaf(context, policy, { version: stored.version, policy: "waf_allowance" });
  },
);
