import { z } from "@hono/zod-openapi";
import { orgStates } from "../../../../core/tenancy/org-state.ts";
import { judgeMfa } from "../../../../core/tenancy/policy.ts";
import { secondFactors } from "../../../../store/control/factors/overview.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer } from "../../http/result.ts";
import { instant } from "../../http/schemas.ts";
import { orgOfUser, user } from "../auth/schemas.ts";

const membership = orgOfUser.extend({
  state: z.enum(orgStates),
  mfa: z.object({
    required: z.boolean(),
    grace_until: instant.nullable(),
    /** Whether this session would pass if the grace were over now. */
    satisfied: z.boolean(),
  }),
});

export const me = defineRoute(
  "me",
  {
    caller: "person",
    status: 200,
    answer: z.object({
      user,
      factors: z.array(z.enum(["totp", "passkey", "recovery_code"])),
      mfa: z.boolean(),
      orgs: z.array(membership),
    }),
  },
  async ({ services, person, own }) => {
    const { confinedTo } = person;
    const { factors } = own;
    const memberships =
      confinedTo === null ? own.memberships : own.memberships.filter(({ org }) => org === confinedTo.org);
    return answer({
      user: { id: person.user, email: person.email, name: person.name },
      factors: factors === null ? [] : secondFactors(factors),
      mfa: person.mfa,
      orgs: memberships.map(({ org, slug, name, role, state, mfa }) => ({
        id: org,
        slug,
        name,
        role,
        state,
        mfa: {
          required: mfa.required,
          grace_until: mfa.graceUntilMs === null ? null : new Date(mfa.graceUntilMs).toISOString(),
          satisfied: judgeMfa({ ...mfa, graceUntilMs: null }, person, services.now()) === "satisfied",
        },
      })),
    });
  },
);
