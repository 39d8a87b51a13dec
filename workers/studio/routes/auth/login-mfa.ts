import { z } from "@hono/zod-openapi";
import { answerSecondStep, type SecondProof } from "../../auth/answer-second-step.ts";
import { authenticationResponse, otp, recoveryCode } from "../../auth/factors/presented.ts";
import { defineRoute, type RouteDefinition } from "../../http/define-route.ts";
import { opaqueSecret } from "../../http/schemas.ts";
import { loginAnswer } from "./schemas.ts";

const query = z.strictObject({ tokens: z.enum(["0", "1"]).optional() });
const challenge = opaqueSecret;
const body = z.union([
  z.strictObject({ challenge, otp }),
  z.strictObject({ challenge, recovery_code: recoveryCode }),
  z.strictObject({ challenge, passkey: authenticationResponse }),
]);

export const loginMfa: RouteDefinition = defineLoginMfa("loginMfa");
export const orgLoginMfa: RouteDefinition = defineLoginMfa("orgLoginMfa");

/** The second step of a sign-in, whichever method was the first. */
function defineLoginMfa(name: "loginMfa" | "orgLoginMfa"): RouteDefinition {
  return defineRoute(name, { caller: "anyone", query, body, status: 200, answer: loginAnswer }, (context, input) => {
    const { challenge: presented, ...proof } = input.body;
    return answerSecondStep(context, presented, proof as SecondProof, input.query.tokens === "1");
  });
}
