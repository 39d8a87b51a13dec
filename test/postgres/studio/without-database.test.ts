import { beforeAll, describe, expect, it } from "vitest";
import { makeId } from "../../../core/ids.ts";
import { createDatabase, type Database } from "../../../store/connect.ts";
import { allRoutes, bodyOf, inventedThings, type Params, pathOf } from "../../support/route-inputs.ts";
import { setup } from "../support.ts";
import { type Account, createHarness, type Harness, operatorToken } from "./harness.ts";

/** Studio when nothing answers where its database was. */
const gone: Database = createDatabase({ url: setup.controlUrl, gateway: "127.0.0.1:1" });

let studio: Harness;
let org: { readonly id: string; readonly slug: string; readonly owner: Account };
let params: Params;
beforeAll(async () => {
  let database: Database | null = null;
  studio = await createHarness((services) => {
    const real = services.database;
    const chosen = (): Database => database ?? real;
    return {
      ...services,
      database: {
        query: (...given) => chosen().query(...given),
        transaction: (...given) => chosen().transaction(...given),
      },
    };
  });
  org = await studio.newOrg();
  const made = (kind: "session" | "passkey" | "backup") =>
    makeId(kind, Date.now(), crypto.getRandomValues(new Uint8Array(10)));
  const rest = { policy: "geo", session: made("session"), passkey: made("passkey"), backup: made("backup") };
  params = { ...inventedThings(), ...rest, org: org.slug };
  database = gone;
});

const served = allRoutes.filter(([, { servedBy }]) => servedBy === "studio");
const tokenOf = (kind: string): { token?: string } => {
  if (kind === "public") return {};
  return { token: kind === "operator" ? operatorToken : org.owner.token };
};

describe("without its database", () => {
  // The documentation is the same for everybody. Signing keys are revoked in KeyRing, whatever else is down.
  const independent = ["openapi", "rotateKeys"];

  it.each(served.filter(([name]) => !independent.includes(name)))(
    "%s is refused, and nothing is done",
    async (...route) => {
      const [, { method, policy }] = route;
      const [before, mails] = [studio.standIns.calls.length, studio.mails.length];
      const body = bodyOf(route);
      const sent = { ...tokenOf(policy.kind), ...(body === undefined ? {} : { body }) };
      const answer = await studio.send(method, pathOf(route, params), sent);
      await Promise.allSettled(studio.deferred);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      // Who they are is in the database alone: nobody is told that they are not who they are, or may not.
      if (policy.kind === "signed_in" || policy.kind === "permission")
        expect([answer.status, answer.body.code]).toEqual([503, "unavailable"]);
      expect(answer.headers.getSetCookie().filter((cookie) => !cookie.includes("Max-Age=0"))).toEqual([]);
      expect(studio.standIns.calls.slice(before).map(({ method: name }) => name)).toEqual([]);
      expect(studio.mails.length).toBe(mails);
    },
  );
});
