import type { RequestId } from "../../../core/ids.ts";
import { parseSlug } from "../../../core/ids.ts";
import { policyKey } from "../../../core/tenancy/policy.ts";
import { readSubscription } from "../../../store/control/billing/subscription.ts";
import { shredDataKeys } from "../../../store/control/data-keys.ts";
import type { DueErasure } from "../../../store/control/deletions.ts";
import { fromPart } from "../downstream.ts";
import type { Services } from "../services.ts";
import { appendOrgChange } from "./record-change.ts";

/**
 * One place that holds something of an organisation, and how it is emptied. Doing it again harms nothing: a
 * crash may come before the step is noted. `later`: not yet, and nothing after it either.
 * @throws whatever the place throws: the step is due again at the next run
 */
export interface Shredder {
  readonly name: string;
  shred(services: Services, target: DueErasure, requestId: RequestId): Promise<"done" | "later">;
}

/**
 * In this order: on record before anything is gone; then the keys, so that whatever they sealed, copies and
 * backups too, can't be read from that moment on, however long the rest takes; then the doors; then the data.
 * Another store of an organisation's things is one more entry, before `tenant`.
 */
export const shredders: readonly Shredder[] = [
  {
    name: "recorded",
    async shred(services, { scope: { org } }, requestId) {
      const change = { org, by: null, action: "deletion_begun" } as const;
      await appendOrgChange(services, change, org, requestId);
      await appendOrgChange(services, change, null, requestId);
      return "done";
    },
  },
  {
    name: "data_keys",
    async shred(services, { scope }) {
      await shredDataKeys(services.database, scope);
      return "done";
    },
  },
  {
    // Slug and id lead nowhere from now on, as if there had never been such an organisation.
    name: "edge",
    async shred(services, { scope: { org }, slug }) {
      const parsed = parseSlug(slug);
      await fromPart("policy store", async () => {
        if (parsed !== null) await services.policies.delete(policyKey.slug(parsed));
        await services.policies.delete(policyKey.org(org));
      });
      return "done";
    },
  },
  {
    name: "hub",
    async shred(services, { scope: { org } }, requestId) {
      await fromPart("hub", async () => {
        const call = await services.caller.asJob("durable-objects.hub-control", "lifecycle", org, requestId);
        await services.hubLifecycle.erase(call, org);
      });
      return "done";
    },
  },
  {
    // Their keys are gone with the data keys; what is left is noise, and goes too.
    name: "backups",
    async shred(services, { scope: { org } }, requestId) {
      await fromPart("backups", async () => {
        const call = await services.caller.asJob("capabilities.backups", "tend_backups", org, requestId);
        await services.backups.erase(call);
      });
      return "done";
    },
  },
  {
    // As those.
    name: "documents",
    async shred(services, { scope: { org } }, requestId) {
      await fromPart("documents", async () => {
        const call = await services.caller.asJob("capabilities.documents", "tend_documents", org, requestId);
        await services.documents.erase(call);
      });
      return "done";
    },
  },
  {
    // As those.
    name: "exports",
    async shred(services, { scope: { org } }, requestId) {
      await fromPart("exports", async () => {
        const call = await services.caller.asJob("capabilities.exports", "run_exports", org, requestId);
        await services.exports.erase(call);
      });
      return "done";
    },
  },
  {
    // Nobody is charged for what is no more. While the provider can't be asked, the rest waits: whom to ask it about
    // is written in rows that go last.
    name: "payments",
    async shred(services, { scope }, requestId) {
      const found = await readSubscription(services.database, scope);
      const account = { customer: found?.customer ?? null, subscription: found?.subscription ?? null };
      await fromPart("payments", async () => {
        const call = await services.caller.asJob("capabilities.billing", "tend_billing", scope.org, requestId);
        const ended = await services.billing.end(call, account);
        if (!ended.ok) throw new Error(`the subscription was not ended: ${ended.code}`);
      });
      return "done";
    },
  },
  {
    name: "tenant",
    async shred(services, { scope: { org } }, requestId) {
      const { dropped } = await fromPart("provisioner", async () => {
        const call = await services.caller.asJob("data.provisioner", "lifecycle", org, requestId);
        return services.provisioner.dropTenant(call, org);
      });
      return dropped ? "done" : "later";
    },
  },
  {
    name: "erasure_recorded",
    async shred(services, { scope: { org } }, requestId) {
      const change = { org, by: null, action: "deleted" } as const;
      await appendOrgChange(services, change, org, requestId);
      await appendOrgChange(services, change, null, requestId);
      return "done";
    },
  },
];
