import { z } from "@hono/zod-openapi";
import type { AuditFields } from "../../../../core/audit/events.ts";
import { formatWebhookSecret, webhookSecretBytes } from "../../../../core/crypto/webhook-signature.ts";
import { keepsSecret, type TargetSettings } from "../../../../core/exports/target.ts";
import type { ExportDestinationId } from "../../../../core/ids.ts";
import type { DestinationResult, SealedSecret } from "../../../../core/rpc/export-destinations.ts";
import * as store from "../../../../store/control/export-destinations.ts";
import { fromPart, refusalOf } from "../../downstream.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, type HandlerResult, type Refusal, refuse } from "../../http/result.ts";
import { nothing } from "../../http/schemas.ts";
import type { MemberContext } from "../../pipeline/request-context.ts";
import {
  changedDestination,
  destinationAnswer,
  destinationMade,
  destinationParams,
  destinationView,
  newDestination,
  settingsOf,
  testAnswer,
} from "./schemas.ts";

export const listExportDestinations = defineRoute(
  "listExportDestinations",
  { caller: "member", status: 200, answer: z.object({ items: z.array(destinationAnswer) }) },
  async ({ services, scope }) =>
    answer({ items: (await store.listDestinations(services.database, scope)).map(destinationView) }),
);

export const addExportDestination = defineRoute(
  "addExportDestination",
  { caller: "member", body: newDestination, status: 201, answer: destinationMade },
  async (context, { body }) => {
    const { services, scope, person } = context;
    const id = services.makeId("exportDestination");
    const settings = settingsOf(body);
    const signing = body.kind === "webhook" ? newSigningSecret(context) : null;
    const secret = body.kind === "webhook" ? signing : body.secret_access_key;
    const prepared = await prepare(context, id, settings, secret);
    if (!prepared.ok) return refusalFor(prepared);
    if (prepared.value === null) throw new Error("a destination was prepared without its secret");
    const given = { id, name: body.name, settings, secret: prepared.value, by: person.user };
    const added = await store.addDestination(services.database, context.write(), scope, given);
    if (added === null) return refuse("conflict", { detail: "There is one of that name, or there are 20 already" });
    return changed(context, added, signing, ["created"]);
  },
);

export const changeExportDestination = defineRoute(
  "changeExportDestination",
  { caller: "member", params: destinationParams, body: changedDestination, status: 200, answer: destinationMade },
  async (context, { params: { export_destination: id }, body }) => {
    const { services, scope } = context;
    const present = await store.findDestination(services.database, scope, id);
    if (present === null) return refuse("not_found");
    const settings = settingsOf(body);
    const signing = body.kind === "webhook" && body.new_secret ? newSigningSecret(context) : null;
    const given = body.kind === "webhook" ? signing : (body.secret_access_key ?? null);
    if (present.settings.kind !== settings.kind) return wrong("kind", "can't become another one");
    if (given === null && !keepsSecret(present.settings, settings))
      return wrong("secret_access_key", "must be given anew with another service, bucket or identifier");
    const prepared = await prepare(context, id, settings, given);
    if (!prepared.ok) return refusalFor(prepared);
    const change = { id, name: body.name, settings, from: present.settings, secret: prepared.value };
    const done = await store.changeDestination(services.database, context.write(), scope, change);
    if (typeof done === "string") return refuse(done);
    return changed(context, done, signing, given === null ? [] : ["rotated"]);
  },
);

export const removeExportDestination = defineRoute(
  "removeExportDestination",
  { caller: "member", params: destinationParams, status: 204, answer: nothing },
  async (context, { params: { export_destination: id } }) => {
    const { services, scope } = context;
    if (!(await store.removeDestination(services.database, context.write(), scope, id))) return refuse("not_found");
    context.caused([policyChange(context), keyChange(context, id, "revoked")]);
    return answer(null);
  },
);

export const testExportDestination = defineRoute(
  "testExportDestination",
  { caller: "member", params: destinationParams, status: 200, answer: testAnswer },
  async (context, { params: { export_destination: id } }) => {
    const { services, scope } = context;
    const found = await store.findDestination(services.database, scope, id);
    if (found === null) return refuse("not_found");
    const { settings, sealed } = found;
    const tested = await fromPart("exports", async () =>
      services.exportDestinations.tryOut(await context.asUser("capabilities.export-destinations"), {
        id,
        settings,
        sealed,
      }),
    );
    if (!tested.ok) return refusalFor(tested);
    const failure = tested.value.ok ? null : tested.value.code;
    if (!(await store.noteTest(services.database, context.write(), scope, { id, failure }))) return refuse("not_found");
    return answer({ failure, place: tested.value.ok ? tested.value.place : null });
  },
);

/** Judges settings, and seals a secret where there is one. @throws Unavailable */
function prepare(
  context: MemberContext,
  id: ExportDestinationId,
  settings: TargetSettings,
  secret: string | null,
): Promise<DestinationResult<SealedSecret | null>> {
  return fromPart("exports", async () => {
    const call = await context.asUser("capabilities.export-destinations");
    return await context.services.exportDestinations.prepare(call, id, settings, secret);
  });
}

const newSigningSecret = ({ services }: MemberContext): string =>
  formatWebhookSecret(services.randomBytes(webhookSecretBytes));

const wrong = (path: string, message: string): Refusal => refuse("invalid_request", { errors: [{ path, message }] });

function refusalFor(refused: Extract<DestinationResult<unknown>, { ok: false }>): Refusal {
  if (refused.code !== "invalid_request") return refusalOf(refused);
  return refuse("invalid_request", {
    detail:
      "The address must be https of a public name, without a port, a password or a fragment; a bucket's name has no dots, its prefix is empty or ends in a slash.",
  });
}

function changed(
  context: MemberContext,
  stored: store.StoredDestination,
  signing: string | null,
  keys: readonly ("created" | "rotated")[],
): HandlerResult<z.input<typeof destinationMade>> {
  context.caused([policyChange(context), ...keys.map((action) => keyChange(context, stored.id, action))]);
  return answer({ ...destinationView(stored), signing_secret: signing });
}

/** Where data may leave for: each change is on record. */
const policyChange = ({ person }: MemberContext): AuditFields => ({
  type: "policy_change",
  user_id: person.user,
  policy: "export_destination",
});

const keyChange = (
  { person }: MemberContext,
  id: ExportDestinationId,
  action: "created" | "rotated" | "revoked",
): AuditFields => ({ type: "key_change", user_id: person.user, kind: "export_secret", key_id: id, action });
