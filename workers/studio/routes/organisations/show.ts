import { defineRoute } from "../../http/define-route.ts";
import { answer } from "../../http/result.ts";
import { organisation } from "./schemas.ts";

export const getOrg = defineRoute(
  "getOrg",
  { caller: "member", status: 200, answer: organisation },
  async ({ membership: { org, slug, name, createdAt, role } }) =>
    answer({ id: org, slug, name, created_at: createdAt, role }),
);
