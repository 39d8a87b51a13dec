import { z } from "@hono/zod-openapi";
import { secondFactors } from "../../../../store/control/factors/overview.ts";
import { credentialsOf } from "../../../../store/control/factors/passkeys.ts";
import { checkOwnPassword } from "../../auth/check-own-password.ts";
import { recordFailure } from "../../auth/complete-sign-in.ts";
import { beginPasskeyCeremony, takePasskeyCeremony } from "../../auth/factors/ceremonies.ts";
import { checkCode } from "../../auth/factors/check-factor.ts";
import { checkPasskey } from "../../auth/factors/check-passkey.ts";
import { assertionOptions } from "../../auth/factors/passkeys.ts";
import { authenticationResponse, exactlyOneOf, otp, recoveryCode } from "../../auth/factors/presented.ts";
import { renewSession } from "../../auth/renew-session.ts";
import { defineRoute } from "../../http/define-route.ts";
import { answer, type Refusal, refuse } from "../../http/result.ts";
import { nothing, opaqueSecret } from "../../http/schemas.ts";
import type { OwnContext } from "../../pipeline/request-context.ts";
import { browserOptions, presentedPassword } from "../auth/schemas.ts";

const body = z
  .strictObject({
    password: presentedPassword.optional(),
    otp: otp.optional(),
    recovery_code: recoveryCode.optional(),
    passkey: authenticationResponse.optional(),
    ceremony: opaqueSecret.optional(),
  })
  .refine(
    exactlyOneOf("password", "otp", "recovery_code", "passkey"),
    "must hold one of password, otp, recovery_code and passkey",
  )
  .refine(
    ({ ceremony, passkey }) => (ceremony === undefined) === (passkey === undefined),
    "must hold ceremony and passkey together",
  );
type Proof = z.output<typeof body>;

/** Proves again who sits there, with the strongest that they have. A program can't. */
export const stepUp = defineRoute(
  "stepUp",
  { caller: "person", body, status: 204, answer: nothing },
  async (context, input) => {
    if (context.person.kind === "api_key") return refuse("forbidden");
    const refused = await judge(context, input.body);
    if (refused !== null) return refused;
    const renewal = await renewSession(context, { mfa: input.body.password === undefined });
    return renewal.kind === "ended" ? renewal.refusal : answer(null, { headers: renewal.headers });
  },
);

/** Null when the proof is right. */
async function judge(context: OwnContext, proof: Proof): Promise<Refusal | null> {
  const { password, otp: code, recovery_code, ceremony, passkey } = proof;
  if (password !== undefined) return judgePassword(context, password);
  if (ceremony !== undefined && passkey !== undefined) return judgePasskey(context, ceremony, passkey);
  const shown = code !== undefined ? { otp: code } : { recovery_code: recovery_code ?? "" };
  const checked = await checkCode(context, context.person, shown);
  if (checked.kind === "throttled") return checked.refusal;
  return checked.kind === "right" ? null : wrong;
}

const wrong = refuse("invalid_credentials");

/** The password alone counts only for somebody who has nothing stronger. */
async function judgePassword(context: OwnContext, password: string): Promise<Refusal | null> {
  const { factors } = context.own;
  const stronger = factors === null ? [] : secondFactors(factors);
  if (stronger.length > 0) return refuse("mfa_required", { extensions: { factors: stronger } });
  const checked = await checkOwnPassword(context, password);
  if (checked.kind === "refused") return checked.refusal;
  return checked.kind === "right" ? null : wrong;
}

async function judgePasskey(
  context: OwnContext,
  ceremony: string,
  passkey: NonNullable<Proof["passkey"]>,
): Promise<Refusal | null> {
  const { user } = context.person;
  const challenge = await takePasskeyCeremony(context, "passkey_proof", ceremony, context.person);
  if (challenge === null) return refuse("invalid_token");
  const checked = await checkPasskey(context, passkey, { challenge, user });
  if (checked.kind === "right") return null;
  if (checked.kind === "wrong") return wrong;
  const recorded = recordFailure(context, user, { method: "passkey", reason: "passkey_copied", mfa: "failed" });
  return { ...wrong, alongside: [recorded] };
}

/** Which of one's own passkeys may answer, and to what. Good for this session alone. */
export const stepUpPasskeyOptions = defineRoute(
  "stepUpPasskeyOptions",
  { caller: "person", status: 200, answer: z.object({ ceremony: z.string(), options: browserOptions }) },
  async (context) => {
    const { services, person } = context;
    const own = await credentialsOf(services.database, person.user);
    // An empty list would ask for anybody's passkey.
    if (own.length === 0) return refuse("not_found");
    const { ceremony, challenge } = await beginPasskeyCeremony(context, "passkey_proof", person);
    return answer({ ceremony, options: await assertionOptions(services.publicUrl, own, challenge) });
  },
);
