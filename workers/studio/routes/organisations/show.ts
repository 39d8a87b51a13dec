import { defineRoute } from "../../http/define-route.ts";
import { answer } from "../../http/result.ts";
import { organisationWithState } from "./schemas.ts";

export const getOrg = defineRoute(
  "getOrg",
  { caller: "member", status: 200, answer: organisationWithState },
  async ({ membership: { org, slug, name, createdAt, role, state, deleteAfter } }) =>
    answer({ id: org, slug, name, created_at: createdAt, role, state, delete_after: deleteAfter }),
);
