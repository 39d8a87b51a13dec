import { z } from "@hono/zod-openapi";
import { toolBackupActions } from "../../../../core/audit/vocabulary.ts";
import type { OrgId } from "../../../../core/ids.ts";
import type { SignedCall } from "../../../../core/mesh/claims.ts";
import { type HubBackupRpc, type HubRange, hubRangeItemsMax } from "../../../../core/rpc/hub-backup.ts";
import { findOverview } from "../../../../store/control/lifecycle.ts";
import { fromPart } from "../../downstream.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { idOf, nothing, orgReference } from "../../http/schemas.ts";
import { recordForOrganisation } from "../../lifecycle/record-change.ts";
import type { OperatorContext } from "../../pipeline/request-context.ts";

const params = z.strictObject({ target: orgReference });
const which = z.uuid();

/** An object has 64 pages at most (durable-objects/tenant-hub/export.ts). */
const pageMax = 63;
const query = z.strictObject({
  export: which,
  object: z.string().regex(/^org_[0-9a-z]{26}(?::shard:\d{1,2})?$/),
  page: z.coerce.number().int().min(0).max(pageMax),
});

const begun = z.object({
  export: z.string(),
  objects: z.array(z.object({ object: z.string(), pages: z.int() })),
});
const page = z.object({
  /** Base64; the pages' bytes, one after the other, are lines. */
  bytes: z.string(),
});

/** Devices and members of one group, as the hub bounds them. */
const groupSizeMax = 10_000;
const body = z
  .strictObject({
    devices: z
      .strictObject({
        after: idOf("device").nullable(),
        until: idOf("device").nullable(),
        items: z
          .array(z.strictObject({ device: idOf("device"), token_sha256: z.string().regex(/^[0-9a-f]{64}$/) }))
          .max(hubRangeItemsMax),
      })
      .optional(),
    groups: z
      .strictObject({
        after: idOf("group").nullable(),
        until: idOf("group").nullable(),
        items: z
          .array(
            z.strictObject({
              group: idOf("group"),
              devices: z.array(idOf("device")).max(groupSizeMax),
              members: z.array(idOf("user")).max(groupSizeMax),
            }),
          )
          .max(hubRangeItemsMax),
      })
      .optional(),
  })
  .refine(({ devices, groups }) => (devices === undefined) !== (groups === undefined), "devices or groups");

function rangeOf({ devices, groups }: z.output<typeof body>): HubRange {
  if (devices !== undefined) {
    const { after, until, items } = devices;
    const mapped = items.map(({ device, token_sha256: tokenSha256 }) => ({ device, tokenSha256 }));
    return { kind: "devices", after, until, devices: mapped };
  }
  if (groups === undefined) throw new Error("a range of nothing passed the schema");
  return { kind: "groups", after: groups.after, until: groups.until, groups: groups.items };
}

export const beginHubExport = defineRoute(
  "beginHubExport",
  { caller: "operator", params, status: 200, answer: begun },
  async (context, { params: { target: text } }) => {
    const org = await organisation(context, text);
    if (org === null) return refuse("not_found");
    const found = await ask(context, org, (hub, call) => hub.beginExport(call, org));
    return answer({ export: found.export, objects: found.objects.map((object) => ({ ...object })) });
  },
);

export const readHubExport = defineRoute(
  "readHubExport",
  { caller: "operator", params, query, status: 200, answer: page },
  async (context, input) => {
    const org = await organisation(context, input.params.target);
    if (org === null) return refuse("not_found");
    const bytes = await ask(context, org, (hub, call) => hub.readExport(call, org, input.query));
    return bytes === null ? refuse("not_found") : answer({ bytes: Buffer.from(bytes).toString("base64") });
  },
);

export const endHubExport = defineRoute(
  "endHubExport",
  { caller: "operator", params, body: z.strictObject({ export: which }), status: 204, answer: nothing },
  async (context, input) => {
    const org = await organisation(context, input.params.target);
    if (org === null) return refuse("not_found");
    await ask(context, org, (hub, call) => hub.endExport(call, org, input.body.export));
    return answer(null);
  },
);

export const reconcileHub = defineRoute(
  "reconcileHub",
  { caller: "operator", params, body, status: 204, answer: nothing },
  async (context, input) => {
    const org = await organisation(context, input.params.target);
    if (org === null) return refuse("not_found");
    await ask(context, org, (hub, call) => hub.reconcile(call, org, rangeOf(input.body)));
    return answer(null);
  },
);

/** The work is the operator's own, with the database's owner; what a log can hold of it is that it was said. */
export const recordBackup = defineRoute(
  "recordBackup",
  {
    caller: "operator",
    params,
    body: z.strictObject({ action: z.enum(toolBackupActions), backup: idOf("backup") }),
    status: 204,
    answer: nothing,
  },
  async (context, input) => {
    const org = await organisation(context, input.params.target);
    if (org === null) return refuse("not_found");
    const { action, backup } = input.body;
    await recordForOrganisation(context, org, {
      type: "backup",
      user_id: null,
      org_id: org,
      backup_id: backup,
      action,
    });
    return answer(null);
  },
);

async function organisation(context: OperatorContext, text: string): Promise<OrgId | null> {
  return (await findOverview(context.services.database, context.platform, text))?.org ?? null;
}

/** @throws Unavailable */
function ask<T>(
  { services, requestId }: OperatorContext,
  org: OrgId,
  work: (hub: HubBackupRpc, call: SignedCall) => Promise<T>,
): Promise<T> {
  return fromPart("hub", async () =>
    work(services.hubBackup, await services.caller.asJob("durable-objects.hub-backup", "backup", org, requestId)),
  );
}
