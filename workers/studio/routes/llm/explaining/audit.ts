import { z } from "@hono/zod-openapi";
import { pageItemsMax } from "../../../../../core/limits.ts";
import { auditRecords } from "../../../../../core/llm/explaining/audit-records.ts";
import { recordsMax, type SourceRecord } from "../../../../../core/llm/explaining/prompt.ts";
import type { AuditFilter } from "../../../../../core/rpc/durable-objects.ts";
import { fromPart } from "../../../downstream.ts";
import { defineRoute } from "../../../http/define-route.ts";
import { refuse } from "../../../http/result.ts";
import type { MemberContext } from "../../../pipeline/request-context.ts";
import { auditFilter } from "../../audit/list.ts";
import { explain, explanationAnswer, modelField } from "./explain.ts";

/** Pages of the log that one question reads: intents and plain reads are passed over, so it takes more than one. */
const pagesMax = 6;

/** What the filter finds, newest first; both as the log's page has it. */
export const explainAudit = defineRoute(
  "explainAudit",
  {
    caller: "member",
    body: z.strictObject({ kind: z.enum(["audit_summary", "incident_report"]), model: modelField, ...auditFilter }),
    status: 200,
    media: "text/event-stream",
    answer: explanationAnswer,
  },
  async (context, { body }) => {
    const { type = null, actor = null, from: fromMs = null, to: toMs = null } = body;
    const { target = null, document = null, address = null, country = null, outcome = null } = body;
    const filter = { type, actor, target, document, address, country, outcome, fromMs, toMs };
    const records = await read(context, filter);
    if (records.length === 0) return refuse("invalid_request", { detail: "No entry of the log matches." });
    return explain(context, body.kind, records, body.model);
  },
);

async function read(
  context: MemberContext,
  filter: Omit<AuditFilter, "beforeSeq" | "limit">,
): Promise<readonly SourceRecord[]> {
  const records: SourceRecord[] = [];
  let beforeSeq: number | null = null;
  for (let pages = 0; pages < pagesMax && records.length <= recordsMax; pages += 1) {
    const asked: AuditFilter = { ...filter, beforeSeq, limit: pageItemsMax };
    const page = await fromPart("audit reader", async () =>
      context.services.auditReader.list(await context.asUser("durable-objects.audit-reader"), asked),
    );
    records.push(...auditRecords(page.items, filter.type === "api_call"));
    beforeSeq = page.nextBeforeSeq;
    if (beforeSeq === null) break;
  }
  // One more than there may be says that there are more.
  return records.slice(0, recordsMax + 1);
}
