import { z } from "@hono/zod-openapi";
import { answerSecondStep, type SecondProof } from "../../auth/answer-second-step.ts";
import { authenticationResponse, exactlyOneOf, otp, recoveryCode } from "../../auth/factors/presented.ts";
import { defineRoute, type RouteDefinition } from "../../http/define-route.ts";
import { opaqueSecret } from "../../http/schemas.ts";
import { loginAnswer, signInQuery } from "./schemas.ts";

const body = z
  .strictObject({
    challenge: opaqueSecret,
    otp: otp.optional(),
    recovery_code: recoveryCode.optional(),
    passkey: authenticationResponse.optional(),
  })
  .refine(exactlyOneOf("otp", "recovery_code", "passkey"), "must hold one of otp, recovery_code and passkey");

export const loginMfa: RouteDefinition = defineLoginMfa("loginMfa");
export const orgLoginMfa: RouteDefinition = defineLoginMfa("orgLoginMfa");

/** The second step of a sign-in, whichever method was the first. */
function defineLoginMfa(name: "loginMfa" | "orgLoginMfa"): RouteDefinition {
  return defineRoute(
    name,
    { caller: "anyone", query: signInQuery, body, status: 200, answer: loginAnswer },
    (context, input) => {
      return answerSecondStep(context, input.body.challenge, proofOf(input.body), input.query.tokens === "1");
    },
  );
}

function proofOf({ otp: code, recovery_code, passkey }: z.output<typeof body>): SecondProof {
  if (code !== undefined) return { otp: code };
  if (recovery_code !== undefined) return { recovery_code };
  if (passkey !== undefined) return { passkey };
  throw new Error("the schema let a body without a proof through");
}
