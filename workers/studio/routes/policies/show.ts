import type { z } from "@hono/zod-openapi";
import type { MfaPolicy } from "../../../../core/tenancy/policy.ts";
import { readPolicy } from "../../../../store/control/policies.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, type HandlerResult, refuse } from "../../http/result.ts";
import { geoView } from "./geo-schemas.ts";
import { limitsView } from "./limits-schemas.ts";
import { policyAnswer, policyParams } from "./schemas.ts";
import { wafView } from "./waf-schemas.ts";

export const getPolicy = defineRoute(
  "getPolicy",
  { caller: "member", params: policyParams, status: 200, answer: policyAnswer },
  async ({ services, scope, membership }, { params }): Promise<HandlerResult<z.input<typeof policyAnswer>>> => {
    if (params.policy === "mfa") return answer(mfaView(membership.mfa));
    const stored = await readPolicy(services.database, scope);
    if (stored === null) return refuse("not_found");
    const { geo, tlsDeviceMin, waf, limits } = stored.policy;
    if (params.policy === "limits") return answer(limitsView(limits, stored.version));
    if (params.policy === "waf") return answer(wafView(waf, stored.version));
    return answer(params.policy === "geo" ? geoView(geo, services.now()) : { device_min: tlsDeviceMin });
  },
);

/** The membership was read with its organisation's policy, so nothing more is asked. */
export function mfaView({ required, graceUntilMs }: MfaPolicy): { required: boolean; grace_until: string | null } {
  return { required, grace_until: graceUntilMs === null ? null : new Date(graceUntilMs).toISOString() };
}
