import { z } from "@hono/zod-openapi";
import { surfaces } from "../../../../core/tenancy/geo-policy.ts";
import { fromPart } from "../../downstream.ts";
import { beforeChange, lockoutOf, lockoutView } from "../../geo/lockout.ts";
import { tryOn } from "../../geo/traffic.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { idText, instant } from "../../http/schemas.ts";
import { geoRules, surfacesOf } from "./geo-schemas.ts";

const surface = z.enum(surfaces);
const count = z.int();
const simulated = z.object({
  days: count,
  requests: count,
  newly_refused: count,
  newly_admitted: count,
  by_origin: z.array(
    z.object({ surface, country: z.string(), requests: count, newly_refused: count, newly_admitted: count }),
  ),
  lockout: z.object({
    caller: z.boolean(),
    sessions_total: count,
    devices_total: count,
    by_country: z.array(z.object({ country: z.string(), sessions: count, devices: count })),
    sessions: z.array(
      z.object({
        session_id: idText,
        user_id: idText,
        name: z.string(),
        surface,
        country: z.string(),
        asn: count.nullable(),
        seen_at: instant,
      }),
    ),
    devices: z.array(z.object({ device_id: idText, country: z.string(), asn: count.nullable(), seen_at: instant })),
  }),
});

/**
 * What rules would do, on the requests of the last thirty days and on everybody of the last seven. It changes
 * nothing, but takes a body and looks at people, so it leaves its pair in the log like any write.
 */
export const simulateGeo = defineRoute(
  "simulateGeo",
  { caller: "member", body: geoRules, status: 200, answer: simulated },
  async (context, { body }) => {
    const { services } = context;
    const found = await beforeChange(context);
    if (found === null) return refuse("not_found");
    const before = found.stored.policy.geo;
    const after = { ...before, surfaces: surfacesOf(body), revert: null };
    const [lockout, traffic] = await Promise.all([
      lockoutOf(context, found.active, before, after),
      fromPart("audit log", async () =>
        services.auditReader.traffic(await context.asUser("durable-objects.audit-reader")),
      ),
    ]);
    const tried = tryOn(traffic, before, after, services.now());
    return answer({
      days: 30,
      requests: tried.total,
      newly_refused: tried.newlyRefused,
      newly_admitted: tried.newlyAdmitted,
      by_origin: tried.byOrigin.map(({ newlyRefused, newlyAdmitted, ...origin }) => ({
        ...origin,
        newly_refused: newlyRefused,
        newly_admitted: newlyAdmitted,
      })),
      lockout: lockoutView(lockout),
    });
  },
);
