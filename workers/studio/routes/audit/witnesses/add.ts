import { z } from "@hono/zod-openapi";
import { witnessTokenPrefix } from "../../../../../core/routes/audit.ts";
import { addWitness as store, witnessesMax } from "../../../../../store/control/audit-witnesses.ts";
import { sha256Hex } from "../../../auth/keys.ts";
import { makeSecret } from "../../../auth/secrets.ts";
import { defineRoute } from "../../../http/define-route.ts";
import { answer, refuse } from "../../../http/result.ts";
import { nameOf } from "../../../http/schemas.ts";
import { witness, witnessKey } from "./schemas.ts";

const body = z.strictObject({ name: nameOf(200), key: witnessKey });

/**
 * The token is in this answer and nowhere else. It has no day on which it ends: it shows hashes and takes what
 * another key signed, and a witness that falls silent by itself is what nobody would notice.
 */
export const addWitness = defineRoute(
  "addWitness",
  { caller: "member", body, status: 201, answer: witness.extend({ token: z.string() }) },
  async (context, { body: { name, key } }) => {
    const { services, scope, person } = context;
    const token = `${witnessTokenPrefix}${makeSecret(services.randomBytes)}`;
    const id = services.makeId("witness");
    const made = { id, name, verifier: key, secretHash: sha256Hex(token), createdBy: person.user };
    const write = context.write();
    const added = await store(services.database, write, scope, made);
    if (added === "taken") return refuse("conflict", { detail: "A witness whose key has this name is there already" });
    if (added === "too_many") {
      return refuse("conflict", { detail: `An organisation has at most ${witnessesMax} witnesses: remove one first` });
    }
    context.caused([
      { type: "key_change", user_id: person.user, kind: "audit_witness", key_id: id, action: "created" },
    ]);
    const created_at = new Date(write.nowMs).toISOString();
    return answer({ id, name, key, created_by: person.user, created_at, cosigned: null, token });
  },
);
