import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Api, newPerson } from "./support/api.ts";
import { type BorrowedStack, borrowStack } from "./support/stack-pool.ts";
import { newOrg, type TestPerson } from "./support/things.ts";

let stack: BorrowedStack;
let bob: TestPerson;
let org: string;

beforeAll(async () => {
  stack = await borrowStack();
  bob = await newPerson(stack.description.url, stack.description.mailDir, "bob");
  org = await newOrg(bob.api, "bobs");
});
afterAll(async () => {
  await stack?.discard();
});

describe("the edge in front of the real system", () => {
  const from = (country: string | undefined, tlsVersion = "TLSv1.3") => ({
    "MF-CF-Blob": JSON.stringify({ country, tlsVersion }),
  });
  it.each([["US"], ["T1"], ["XX"], [undefined]])("refuses country %s", async (country) => {
    expect(await new Api(stack.description.url).send("GET", "/api/v1/me", undefined, from(country))).toMatchObject({
      status: 403,
      body: { code: "geo_denied" },
    });
  });
  it("refuses TLS 1.2 for people", async () => {
    const { status, body } = await new Api(stack.description.url).send(
      "GET",
      "/api/v1/me",
      undefined,
      from("IN", "TLSv1.2"),
    );
    expect([403, 426]).toContain(status);
    expect(body).toMatchObject({ code: "tls_required" });
  });
  it("lets an organisation choose other countries, within a minute", async () => {
    const path = `/api/v1/orgs/${org}`;
    expect((await bob.api.send("PUT", `${path}/policies/geo`, { countries: ["IN", "SG"] })).status).toBe(200);
    expect((await bob.api.send("GET", path, undefined, from("SG"))).status).toBeOneOf([200, 403]);
    await expect
      .poll(async () => (await bob.api.send("GET", path, undefined, from("SG"))).status, {
        timeout: 180_000,
        interval: 1000,
      })
      .toBe(200);
  });

  it.each<[string, string, string, unknown, number, string]>([
    ["malformed JSON", "POST", "/api/v1/orgs", "{", 400, "invalid_json"],
    ["an unknown field", "POST", "/api/v1/orgs", { name: "x", slug: "abc", admin: true }, 422, "invalid_request"],
    ["an over-long value", "POST", "/api/v1/orgs", { name: "x".repeat(5000), slug: "abc" }, 422, "invalid_request"],
    ["a wrong type", "POST", "/api/v1/orgs", { name: 7, slug: "abc" }, 422, "invalid_request"],
    [
      "SQL in a query",
      "GET",
      "/api/v1/me?id=1'%20UNION%20SELECT%20password%20FROM%20users--",
      undefined,
      403,
      "waf_denied",
    ],
    ["a route that is not there", "GET", "/api/v1/nothing", undefined, 404, "not_found"],
    ["a method that is not there", "DELETE", "/api/v1/me", undefined, 405, "method_not_allowed"],
    ["a forged cursor", "GET", "/api/v1/orgs/{org}/devices?cursor=AAAA", undefined, 400, "invalid_cursor"],
    ["a page beyond the bound", "GET", "/api/v1/orgs/{org}/devices?limit=100000", undefined, 422, "invalid_request"],
  ])("refuses %s by name", async (_what, method, path, body, status, code) => {
    expect(await bob.api.send(method, path.replace("{org}", org), body)).toMatchObject({
      status,
      body: { code, request_id: expect.stringMatching(/^req_/) },
    });
  });
  it("refuses a NUL byte in a value", async () => {
    const { status, body } = await bob.api.send("POST", "/api/v1/orgs", '{"name":"a\\u0000b","slug":"abcd"}');
    expect([403, 422]).toContain(status);
    expect((body as { code: string }).code).toMatch(/waf_denied|invalid_request/);
  });
});
