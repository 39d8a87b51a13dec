import { z } from "@hono/zod-openapi";
import type { UserId } from "../../../core/ids.ts";
import { type CeremonyKey, findCeremony, spendTry, takeCeremony } from "../../../store/control/ceremonies.ts";
import { doorScope } from "../../../store/control/scope-makers.ts";
import { type Account, findAccount } from "../../../store/control/users.ts";
import { type HandlerResult, refuse } from "../http/result.ts";
import { idOf } from "../http/schemas.ts";
import type { RequestContext } from "../pipeline/request-context.ts";
import {
  countingMemberships,
  denySignIn,
  type FailedAttempt,
  finishSignIn,
  judgeCode,
  type LoginAnswer,
} from "./complete-sign-in.ts";
import type { PresentedCode } from "./factors/check-factor.ts";
import { checkPasskey } from "./factors/check-passkey.ts";
import type { authenticationResponse } from "./factors/presented.ts";
import type { FirstStep } from "./first-step.ts";
import { sha256Hex } from "./keys.ts";

export type SecondProof = PresentedCode | { readonly passkey: z.output<typeof authenticationResponse> };

/** What {@link beginSecondStep} wrote down, and a passkey's challenge if one was asked for. */
const begun = z.object({
  method: z.enum(["password", "passkey", "oidc", "supabase"]),
  only_org: idOf("org").nullable(),
  door: z.string().nullable(),
  passkey_challenge: z.string().optional(),
});

/** A challenge that is unknown, over, spent, or of another door: all the same to whoever presents it. */
const noSuchChallenge = refuse("invalid_token");

/**
 * Answers a challenge with a second factor of the person whose first one was right. Every answer spends one
 * of its five tries before it is looked at; a right one takes the challenge, so that it is good once.
 */
export async function answerSecondStep(
  context: RequestContext,
  challenge: string,
  proof: SecondProof,
  tokens: boolean,
): Promise<HandlerResult<LoginAnswer>> {
  const { services } = context;
  const key: CeremonyKey = { tokenHash: sha256Hex(challenge), kind: "mfa" };
  const found = await findCeremony(services.database, key, services.now());
  if (found === null || found.user === null) return noSuchChallenge;
  const { user } = found;
  const { method, only_org: only, door } = begun.parse(found.data);
  const onlyOrg = only === null ? null : doorScope(only);
  if (door !== context.orgReference) return noSuchChallenge;
  const account = await findAccount(services.database, user);
  if (account === null || account.disabled) return denySignIn(context, user, { method, reason: "disabled" });

  const refused = await judge(context, key, { user, account, method }, proof);
  if (refused !== null) return refused;
  // Whoever is first with a right answer has it.
  if ((await takeCeremony(services.database, context.write(), key)) === null) return noSuchChallenge;
  const memberships = await countingMemberships(context, { user, onlyOrg });
  if (memberships === null) return denySignIn(context, user, { method, reason: "not_a_member" });
  const step = { user, email: account.email, name: account.name, method, onlyOrg, rehashed: null, tokens };
  return finishSignIn(context, step, { memberships, mfa: true });
}

interface Claimant {
  readonly user: UserId;
  readonly account: Account;
  readonly method: FirstStep["method"];
}

/** Null when the proof is right. */
async function judge(
  context: RequestContext,
  key: CeremonyKey,
  { user, account, method }: Claimant,
  proof: SecondProof,
): Promise<HandlerResult<never> | null> {
  const tried = await spendTry(context.services.database, context.write(), key);
  if (tried === null) return noSuchChallenge;
  const failed = (reason: FailedAttempt["reason"]) => denySignIn(context, user, { method, reason, mfa: "failed" });
  if ("passkey" in proof) {
    const expected = begun.parse(tried.data).passkey_challenge;
    if (expected === undefined) return failed("factor_failed");
    const checked = await checkPasskey(context, proof.passkey, { challenge: expected, user });
    if (checked.kind === "right") return null;
    return failed(checked.kind === "copied" ? "passkey_copied" : "factor_failed");
  }
  return judgeCode(context, { user, email: account.email }, proof, method);
}
