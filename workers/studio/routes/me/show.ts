import { z } from "@hono/zod-openapi";
import { membershipsOf } from "../../../../store/control/users.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer } from "../../http/result.ts";
import { orgOfUser, user } from "../auth/schemas.ts";

export const me = defineRoute(
  "me",
  { caller: "person", status: 200, answer: z.object({ user, orgs: z.array(orgOfUser) }) },
  async ({ services, person }) => {
    const { confinedTo } = person;
    const everywhere = await membershipsOf(services.database, person.user);
    const memberships = confinedTo === null ? everywhere : everywhere.filter(({ org }) => org === confinedTo.org);
    return answer({
      user: { id: person.user, email: person.email, name: person.name },
      orgs: memberships.map(({ org, slug, name, role }) => ({ id: org, slug, name, role })),
    });
  },
);
