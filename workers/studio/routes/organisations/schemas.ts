import { z } from "@hono/zod-openapi";
import { type OrgSlug, parseSlug } from "../../../../core/ids.ts";
import { orgStates } from "../../../../core/tenancy/org-state.ts";
import { idText, instant, nameOf, role } from "../../http/schemas.ts";

export const slug: z.ZodType<OrgSlug, string> = z
  .string()
  .max(40)
  .refine((text) => parseSlug(text) !== null, "must be 3 to 40 of a–z, 0–9 and single inner hyphens")
  .transform((text) => text as OrgSlug)
  .openapi({ type: "string", pattern: "^[a-z0-9][a-z0-9-]{1,38}[a-z0-9]$" });

/** As people read it: up to 200 characters. */
export const organisationName = nameOf(200);

export const organisation = z.object({ id: idText, slug: z.string(), name: z.string(), created_at: instant, role });

/** … with what it is now: one that is to be deleted is seen by its owners. */
export const organisationWithState = organisation.extend({
  state: z.enum(orgStates),
  delete_after: instant.nullable(),
});
