import { z } from "@hono/zod-openapi";
import { rateWindowMs } from "../../../../core/limits.ts";
import type { RateDecision } from "../../../../core/rpc/durable-objects.ts";
import { parseEnrollmentCode } from "../../../../core/tenancy/enrollment-code.ts";
import { shutCode } from "../../../../core/tenancy/org-state.ts";
import { limitsOf } from "../../../../core/tenancy/plan.ts";
import { findOrganisation } from "../../../../store/control/organisations.ts";
import { fromPart, refusalOf } from "../../downstream.ts";
import { defineRoute, type RouteDefinition } from "../../http/define-route.ts";
import { answer, type HandlerResult, refuse } from "../../http/result.ts";
import { idText, nameOf } from "../../http/schemas.ts";
import { orgMoving } from "../../lifecycle/org-moving.ts";
import { quotaExceeded } from "../../lifecycle/quota.ts";
import type { RequestContext } from "../../pipeline/request-context.ts";
import { enrollmentEvent } from "./events.ts";

const body = z.strictObject({
  code: z.string().min(1).max(128),
  name: nameOf(100),
  platform: nameOf(100),
  /** The device's own public key, for later; base64url. */
  public_key: z
    .string()
    .regex(/^[A-Za-z0-9_-]{16,1024}$/)
    .optional(),
});
const enrolled = z.object({
  org_id: idText,
  device_id: idText,
  token: z.string(),
  mqtt_url: z.string(),
  topic_prefix: z.string(),
});
type Body = z.output<typeof body>;

export const enroll: RouteDefinition = defineEnroll("enroll");
/** The same under the organisation's own geo policy; the code must be that organisation's. */
export const orgEnroll: RouteDefinition = defineEnroll("orgEnroll");

function defineEnroll(name: "enroll" | "orgEnroll"): RouteDefinition {
  const log = async (context: RequestContext, input: Body) => (await organisationOf(context, input))?.door.org ?? null;
  return defineRoute(name, { caller: "anyone", body, status: 201, answer: enrolled, log }, redeem);
}

/**
 * Whose code it says it is: the slug stands in front of it. Null also when the path addresses another
 * organisation, whose geo policy judged the request. Slugs are no secret; the code's 100 bits are.
 */
async function organisationOf({ services, orgReference }: RequestContext, { code }: Body) {
  const slug = parseEnrollmentCode(code)?.slug;
  if (slug === undefined) return null;
  const found = await findOrganisation(services.database, slug);
  const addressed = orgReference === null || orgReference === found?.door.org || orgReference === found?.slug;
  return addressed ? found : null;
}

async function redeem(
  context: RequestContext,
  input: { readonly body: Body },
): Promise<HandlerResult<z.input<typeof enrolled>>> {
  const { services, requestId } = context;
  const { code, name, platform, public_key: publicKey = null } = input.body;
  const organisation = await organisationOf(context, input.body);
  if (organisation === null) return refuse("invalid_enrollment_code");
  const { door, state, plan, moving, restricted } = organisation;
  if (state !== "active") return refuse(shutCode(state));
  if (moving) return orgMoving();
  if (restricted) return refuse("payment_overdue");
  const { org } = door;
  const devicesMax = limitsOf(plan, services.limitScale).devices;
  const made = await fromPart("devices", async () => {
    const call = await services.caller.asJob("capabilities.devices", "enroll", org, requestId);
    return services.devices.enroll(call, { code, name, platform, publicKey, devicesMax });
  });
  if (!made.ok) return refusalOf(made);
  const headers = codeFields(made.value.rate);
  if (made.value.kind === "limited")
    return refuse("rate_limited", { headers: { ...headers, "Retry-After": String(made.value.rate.resetSeconds) } });
  if (made.value.kind === "full") return quotaExceeded("devices", devicesMax, headers);
  const { device, token, code: used = null } = made.value;
  context.caused([enrollmentEvent(null, "enrolled", { code: used, device })]);
  const body = {
    org_id: org,
    device_id: device,
    token,
    mqtt_url: mqttUrl(services.publicUrl, org, services.hubIsSplit ? device : null),
    topic_prefix: `sentinel/${org}/devices/${device}/`,
  };
  return answer(body, { headers });
}

/** draft-ietf-httpapi-ratelimit-headers; the edge adds its own bounds beside them. */
function codeFields({ limit, remaining, resetSeconds }: RateDecision) {
  return {
    "RateLimit-Policy": `"enrollment_code";q=${limit};w=${rateWindowMs / 1000}`,
    RateLimit: `"enrollment_code";r=${remaining};t=${resetSeconds}`,
  };
}

/** @param device where a tenant has several hubs, the one that the address is for: it spares the way over CONNECT */
function mqttUrl(publicUrl: URL, org: string, device: string | null): string {
  const url = new URL(`/mqtt/${org}`, publicUrl);
  if (device !== null) url.searchParams.set("device", device);
  url.protocol = publicUrl.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}
