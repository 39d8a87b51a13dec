import { z } from "@hono/zod-openapi";
import { auditTypes } from "../../../../core/audit/events.ts";
import { auditOutcomes } from "../../../../core/audit/facets.ts";
import { refusalCountry } from "../../../../core/audit/field.ts";
import { shownEntry } from "../../../../core/audit/shown-entry.ts";
import { fromPart } from "../../downstream.ts";
import { pageAnswer, pageStart } from "../../http/cursor.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { idOf, instant, pageOf, pageQuery } from "../../http/schemas.ts";
import { instantQuery } from "../../http/time-query.ts";

/** By what entries are found. */
export const auditFilter = {
  type: z.enum(auditTypes).optional(),
  actor: idOf("user").optional(),
  target: z.union([idOf("user"), idOf("device")]).optional(),
  document: idOf("document").optional(),
  /** As the log has it, letter for letter. */
  address: z
    .string()
    .regex(/^[0-9A-Fa-f:.]{2,45}$/)
    .optional(),
  country: z.string().regex(refusalCountry).optional(),
  outcome: z.enum(auditOutcomes).optional(),
  from: instantQuery.optional(),
  to: instantQuery.optional(),
};
const query = z.strictObject({ ...pageQuery.shape, ...auditFilter });

/** An entry as the log keeps it (core/audit/events.ts); personal fields are null once erased. */
const entry = z.object({
  version: z.literal(1),
  log: z.string(),
  seq: z.int(),
  at: instant,
  request_id: z.string(),
  phase: z.enum(["event", "intent", "outcome"]),
  intent_seq: z.int().nullable(),
  result: z.enum(["answered", "reconciled_done", "reconciled_not_done"]).nullable(),
  event: z.looseObject({ type: z.enum(auditTypes) }),
  /** The type's stable number, and the version of its fields (docs/audit-events.md). */
  code: z.int(),
  schema_version: z.int(),
  leaf_hash: z.string(),
});

/**
 * Newest first. A page whose filter is rare may have fewer entries than asked for, or none, and a cursor all the
 * same: it looked at as many as one page may, and the next goes on from there.
 */
export const listAudit = defineRoute(
  "listAudit",
  { caller: "member", query, status: 200, answer: pageOf(entry) },
  async (context, input) => {
    const { services, membership, routeName } = context;
    const { type = null, actor = null, from: fromMs = null, to: toMs = null } = input.query;
    const { target = null, document = null, address = null, country = null, outcome = null } = input.query;
    const scope = { key: services.keys.cursor, route: routeName, owner: membership.org };
    const start = pageStart(scope, input.query);
    if (start.kind !== "ok") return refuse("invalid_cursor");
    const beforeSeq = start.after === null ? null : Number(start.after);
    const found = { target, document, address, country, outcome };
    const filter = { type, actor, ...found, fromMs, toMs, beforeSeq, limit: start.limit };
    const page = await fromPart("audit reader", async () =>
      services.auditReader.list(await context.asUser("durable-objects.audit-reader"), filter),
    );
    const items = page.items.map((one) => ({ ...shownEntry(one), event: { ...one.event } }));
    return answer(pageAnswer(scope, items, page.nextBeforeSeq === null ? null : String(page.nextBeforeSeq)));
  },
);
