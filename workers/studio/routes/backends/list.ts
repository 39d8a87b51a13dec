import { patternText } from "../../../../core/backends/backend-route.ts";
import { servesOrganisation } from "../../../../core/backends/registration.ts";
import { fromPart } from "../../downstream.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer } from "../../http/result.ts";
import { backendsAnswer } from "./schemas.ts";

export const listBackends = defineRoute(
  "listBackends",
  { caller: "member", status: 200, answer: backendsAnswer },
  async (context) => {
    const { services, membership } = context;
    const shown = [...services.backends.values()].filter(({ registration }) =>
      servesOrganisation(registration, membership.org),
    );
    const asked = shown.map(({ name, policy }) => ({ name, policy }));
    const views =
      shown.length === 0
        ? []
        : await fromPart("backend circuits", async () =>
            services.circuits.states(await context.asUser("durable-objects.backends"), asked),
          );
    return answer({
      items: shown.map(({ name, registration }, index) => {
        const { state = "closed", lastFailureMs = null } = views[index] ?? {};
        return {
          name,
          host: new URL(registration.base_url).host,
          state,
          last_failure_at: lastFailureMs === null ? null : new Date(lastFailureMs).toISOString(),
          timeout_ms: registration.timeout_ms,
          routes: registration.routes.map(({ methods, path, roles }) => ({ methods, path: patternText(path), roles })),
        };
      }),
    });
  },
);
