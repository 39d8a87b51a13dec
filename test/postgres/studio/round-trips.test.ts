/** How often studio asks its database for one request, route by route, against the committed table. */
import { beforeAll, describe, expect, it, vi } from "vitest";
import { type AnyRoute, allRoutes, bodyOf, inventedThings, type Params, pathOf } from "../../support/route-inputs.ts";
import { newId } from "../../unit/capabilities/mesh.ts";
import { gateway } from "../support.ts";
import { createHarness, type Harness, operatorToken } from "./harness.ts";
import { roundTrips } from "./round-trips.ts";

let studio: Harness;
/** Requests to the gateway: each is one round trip to Postgres, a whole transaction or a statement. */
let asked = 0;
/** For reads, which change nothing of it. */
let read: ReturnType<Harness["newOrg"]> | null = null;
beforeAll(async () => {
  studio = await createHarness();
  const real = globalThis.fetch;
  vi.stubGlobal("fetch", (input: RequestInfo | URL, init?: RequestInit) => {
    if (String(input instanceof Request ? input.url : input) === `http://${gateway}/sql`) asked += 1;
    return real(input, init);
  });
  return () => vi.unstubAllGlobals();
});

const served = allRoutes.filter(([, { servedBy }]) => servedBy === "studio");

/** Sends one request of the route as an owner of an organisation, a new one where it may change something, and counts. */
async function countOf(route: AnyRoute): Promise<number> {
  const [, { method, policy }] = route;
  if (method === "GET") read ??= studio.newOrg();
  // Keys that are rotated end every token.
  else if (route[0] === "rotateKeys") read = null;
  const org = await (method === "GET" && read !== null ? read : studio.newOrg());
  const params: Params = {
    ...inventedThings(),
    org: org.slug,
    policy: "geo",
    session: newId("session"),
    passkey: newId("passkey"),
    backup: newId("backup"),
  };
  const body = bodyOf(route);
  const token = policy.kind === "operator" ? operatorToken : org.owner.token;
  // Once an hour a session, its place is noted after the answer: here beforehand.
  await studio.send("GET", `/api/v1/orgs/${org.slug}`, { token: org.owner.token });
  await Promise.allSettled(studio.deferred);
  asked = 0;
  const answer = await studio.send(method, pathOf(route, params), {
    ...(policy.kind === "public" ? {} : { token }),
    ...(body === undefined ? {} : { body }),
  });
  await Promise.allSettled(studio.deferred);
  const counted = asked;
  expect([answer.status, answer.body]).toEqual([expect.toSatisfy((status: number) => status < 500), answer.body]);
  return counted;
}

describe("database round trips of one request", () => {
  it.each(served)("%s needs no more than the table says, and the table no more than it needs", async (...route) => {
    expect([route[0], await countOf(route)]).toEqual([route[0], roundTrips[route[0]]]);
  });

  it("are counted for every route that studio serves, and for no other", () => {
    expect(Object.keys(roundTrips).toSorted()).toEqual(served.map(([name]) => name).toSorted());
  });
});
