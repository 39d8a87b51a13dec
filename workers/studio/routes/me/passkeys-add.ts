import { z } from "@hono/zod-openapi";
import type { RegistrationResponseJSON } from "@simplewebauthn/server";
import { addPasskey as keepPasskey } from "../../../../store/control/factors/passkeys.ts";
import { beginPasskeyRegistration, takePasskeyCeremony } from "../../auth/factors/ceremonies.ts";
import { firstRecoveryCodes } from "../../auth/factors/first-codes.ts";
import { registrationOptions, verifyRegistration } from "../../auth/factors/passkeys.ts";
import { registrationResponse } from "../../auth/factors/presented.ts";
import { recordFactorChange } from "../../auth/factors/record-change.ts";
import { renewSession } from "../../auth/renew-session.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, refuse } from "../../http/result.ts";
import { opaqueSecret } from "../../http/schemas.ts";
import { browserOptions } from "../auth/schemas.ts";
import { passkeyName, passkeyView, viewOf } from "./passkeys.ts";

/** What a new passkey is asked for; good for this session alone. */
export const passkeyRegistrationOptions = defineRoute(
  "passkeyRegistrationOptions",
  { caller: "person", status: 200, answer: z.object({ ceremony: z.string(), options: browserOptions }) },
  async (context) => {
    const { services, person } = context;
    const { ceremony, challenge, own } = await beginPasskeyRegistration(context, person);
    return answer({ ceremony, options: await registrationOptions(services.publicUrl, person, own, challenge) });
  },
);

/** Registers what the browser made. The session has then shown it: a new passkey verified its user. */
export const addPasskey = defineRoute(
  "addPasskey",
  {
    caller: "person",
    body: z.strictObject({ ceremony: opaqueSecret, response: registrationResponse, name: passkeyName }),
    status: 201,
    answer: passkeyView.extend({ recovery_codes: z.array(z.string()).optional() }),
  },
  async (context, { body }) => {
    const { services, person } = context;
    const challenge = await takePasskeyCeremony(context, "passkey_registration", body.ceremony, person);
    if (challenge === null) return refuse("conflict", { detail: "The registration is over. Begin again." });
    const response = body.response as RegistrationResponseJSON;
    const made = await verifyRegistration(services.publicUrl, challenge, response);
    if (made === null) {
      const errors = [{ path: "response", message: "is not the answer of a passkey to this registration" }];
      return refuse("invalid_request", { errors });
    }
    const passkey = {
      ...made,
      id: services.makeId("passkey"),
      user: person.user,
      transports: body.response.response.transports ?? [],
      name: body.name,
    };
    const write = context.write();
    const kept = await keepPasskey(services.database, write, passkey);
    if (kept === "too_many") return refuse("conflict", { detail: "Remove a passkey first: you have too many." });
    if (kept === "taken") return refuse("conflict", { detail: "That passkey is registered already." });
    await recordFactorChange(context, person, { factor: "passkey", action: "added" });
    const codes = await firstRecoveryCodes(context);
    const renewal = await renewSession(context, { mfa: true });
    if (renewal.kind === "ended") return renewal.refusal;
    const view = viewOf({ ...passkey, createdAt: new Date(write.nowMs).toISOString(), lastUsedAt: null });
    return answer({ ...view, ...codes }, { headers: renewal.headers });
  },
);
