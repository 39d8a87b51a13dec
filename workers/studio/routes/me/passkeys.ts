import { z } from "@hono/zod-openapi";
import {
  listPasskeys as listStoredPasskeys,
  type PasskeyView,
  renamePasskey as renameStoredPasskey,
} from "../../../../store/control/factors/passkeys.ts";
import { removePasskey as removeStoredPasskey } from "../../../../store/control/factors/remove.ts";
import { recordFactorChange } from "../../auth/factors/record-change.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { idOf, idText, instant, nameOf, nothing } from "../../http/schemas.ts";
import { refusalOfRemoval } from "./factor-removal.ts";

/** As the table has it. */
export const passkeyName = nameOf(100);
export const passkeyView = z.object({
  id: idText,
  name: z.string(),
  backed_up: z.boolean(),
  created_at: instant,
  last_used_at: instant.nullable(),
});
const params = z.strictObject({ passkey: idOf("passkey") });

export const listPasskeys = defineRoute(
  "listPasskeys",
  // At most passkeysPerUserMax, so one page holds them all.
  { caller: "person", status: 200, answer: z.object({ items: z.array(passkeyView) }) },
  async ({ services, person }) => {
    const found = await listStoredPasskeys(services.database, person.user);
    return answer({ items: found.map(viewOf) });
  },
);

export const renamePasskey = defineRoute(
  "renamePasskey",
  { caller: "person", params, body: z.strictObject({ name: passkeyName }), status: 200, answer: passkeyView },
  async (context, { params: { passkey }, body: { name } }) => {
    const { services, person } = context;
    const change = { id: passkey, user: person.user, name };
    const renamed = await renameStoredPasskey(services.database, context.write(), change);
    return renamed === null ? refuse("not_found") : answer(viewOf(renamed));
  },
);

export const removePasskey = defineRoute(
  "removePasskey",
  { caller: "person", params, status: 204, answer: nothing },
  async (context, { params: { passkey } }) => {
    const { services, person } = context;
    const target = { id: passkey, user: person.user };
    const outcome = await removeStoredPasskey(services.database, context.write(), target);
    if (outcome.kind !== "removed") return refusalOfRemoval(outcome.kind);
    await recordFactorChange(context, person, { factor: "passkey", action: "removed" });
    return answer(null);
  },
);

export function viewOf({ id, name, backedUp, createdAt, lastUsedAt }: PasskeyView): z.input<typeof passkeyView> {
  return { id, name, backed_up: backedUp, created_at: createdAt, last_used_at: lastUsedAt };
}
