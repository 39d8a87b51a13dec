import { floodRequestsMax, rateWindowMs } from "../../../core/limits.ts";
import { readPresentedCredential, secretOf } from "../presented-credential.ts";
import { type Counted, refusalFields } from "../rate-fields.ts";
import { hashSecret } from "../verify-credential.ts";
import { type Gate, type RequestContext, remoteDeadlineMs } from "./gate.ts";

/** The platform counts in minutes and says no more than no: a minute later there is room for certain. */
const shed: Counted = {
  policy: "flood",
  windowMs: rateWindowMs,
  decision: { allowed: false, limit: floodRequestsMax, remaining: 0, resetSeconds: rateWindowMs / 1000 },
};

/**
 * Sheds floods with the platform's rate-limit binding: free of objects, counted per location and
 * loosely. Its limit is fixed in configuration, so LIMIT_SCALE does not reach it (a load test raises the
 * binding's own number).
 *
 * Counted by the credential once this isolate has seen it verified, else by the address. A
 * credential that nobody has verified is just a number of the client's choosing: counting by it
 * would let a flood pick a new counter for each request.
 */
export const floodGate: Gate<never, never> = {
  name: "flood",
  appliesTo: "every_request",
  needs: [],
  adds: [],
  deadlineMs: remoteDeadlineMs,
  async judge(context) {
    const { success } = await context.env.FLOOD.limit({ key: await floodKey(context) });
    if (success) return { kind: "allow", adds: {} };
    return { kind: "deny", code: "rate_limited", headers: refusalFields(shed) };
  },
};

async function floodKey({ request, isolate, client, nowMs }: RequestContext): Promise<string> {
  const secret = secretOf(readPresentedCredential(request.headers));
  if (secret !== null) {
    const hash = await hashSecret(secret);
    if (isolate.verifiedCredentials.get(hash, nowMs) === true) return `credential:${hash}`;
  }
  return `address:${client.key}`;
}
