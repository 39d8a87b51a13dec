import { beforeEach, describe, expect, it } from "vitest";
import { onlyCountries, plainGeoPolicy } from "../../../core/tenancy/geo-policy.ts";
import { createBoundedCache } from "../../../workers/edge/bounded-cache.ts";
import type { Env } from "../../../workers/edge/env.ts";
import { createKnownPolicies, findPolicy, policyFreshMsMax } from "../../../workers/edge/policies.ts";
import { nowMs, orgId, orgPolicy, otherOrgId } from "./contexts.ts";

let stored: Map<string, string>;
let reads: string[];
let known = createKnownPolicies(policyFreshMsMax, 4);
const policies = {
  get: async (key: string) => {
    reads.push(key);
    return stored.get(key) ?? null;
  },
} as unknown as Env["POLICIES"];
const find = (named: string, atMs = nowMs) => findPolicy(named, policies, known, atMs);

beforeEach(() => {
  stored = new Map([
    ["slug:demo", orgId],
    [`org:${orgId}`, JSON.stringify(orgPolicy())],
  ]);
  reads = [];
  known = createKnownPolicies(policyFreshMsMax, 4);
});

describe("an organisation's policy", () => {
  it("is found by slug and by id", async () => {
    expect(await find("demo")).toEqual(orgPolicy());
    expect(await find(orgId)).toEqual(orgPolicy());
  });

  it("is read once a minute", async () => {
    await find("demo");
    await find("demo", nowMs + policyFreshMsMax - 1);
    expect(reads).toHaveLength(2);
    await find("demo", nowMs + policyFreshMsMax);
    expect(reads).toHaveLength(4);
  });

  it("is read more often where that is asked for, and never less often than once a minute", async () => {
    known = createKnownPolicies(policyFreshMsMax / 12, 4);
    await find("demo");
    await find("demo", nowMs + policyFreshMsMax / 12 - 1);
    expect(reads).toHaveLength(2);
    await find("demo", nowMs + policyFreshMsMax / 12);
    expect(reads).toHaveLength(4);
    known = createKnownPolicies(2 * policyFreshMsMax, 4);
    await find("demo");
    await find("demo", nowMs + policyFreshMsMax);
    expect(reads).toHaveLength(8);
  });

  it("is one for every door: what a slug's page saw of a change, the id's socket sees", async () => {
    await find(orgId);
    const changed = orgPolicy({ geo: plainGeoPolicy(onlyCountries(["FR"])) });
    stored.set(`org:${orgId}`, JSON.stringify(changed));
    expect(await find("demo", nowMs + policyFreshMsMax)).toEqual(changed);
    expect(await find(orgId, nowMs + policyFreshMsMax + 1)).toEqual(changed);
    expect(await find("demo", nowMs + policyFreshMsMax + 2)).toEqual(changed);
    expect(reads).toHaveLength(3);
  });

  it("is found under a new slug at once, and not under one that was handed on", async () => {
    await find("demo");
    stored.set(`org:${orgId}`, JSON.stringify({ ...orgPolicy(), slug: "renamed" }));
    stored.set("slug:renamed", orgId).set("slug:demo", otherOrgId);
    expect(await find("renamed")).toMatchObject({ slug: "renamed" });
    expect(await find("demo")).toBeNull();
  });

  it("works at once after it was created: what is not there is never remembered", async () => {
    stored.clear();
    expect(await find("demo")).toBeNull();
    stored.set("slug:demo", orgId).set(`org:${orgId}`, JSON.stringify(orgPolicy()));
    expect(await find("demo")).not.toBeNull();
  });

  it.each(["Demo", "de", "demo/../x", "org_x", "", "a--b", "-demo", "демо", "x".repeat(41)])(
    "asks nobody about %j",
    async (named) => {
      expect(await find(named)).toBeNull();
      expect(reads).toEqual([]);
    },
  );

  it.each([
    ["of no state that there is", JSON.stringify({ ...orgPolicy(), status: "closed" })],
    ["not JSON", "{"],
    ["of another version", JSON.stringify({ ...orgPolicy(), version: 3 })],
    ["of another organisation", JSON.stringify(orgPolicy({ org: otherOrgId }))],
    ["of another slug", JSON.stringify({ ...orgPolicy(), slug: "other" })],
    ["open to Tor", JSON.stringify(orgPolicy({ geo: plainGeoPolicy(onlyCountries(["T1"])) }))],
    ["open to Tor, in its first form", JSON.stringify({ ...orgPolicy(), version: 1, geoCountries: ["T1"] })],
  ])("is not there when it is %s", async (_what, text) => {
    stored.set(`org:${orgId}`, text);
    expect(await find("demo")).toBeNull();
  });

  it("is not there when the slug points at no id", async () => {
    stored.set("slug:demo", "nonsense");
    expect(await find("demo")).toBeNull();
    expect(reads).toEqual(["slug:demo"]);
  });
});

describe("a bounded cache", () => {
  it("never holds more than it may, and lets the oldest go", () => {
    const small = createBoundedCache<number>(2);
    for (const [index, key] of ["a", "b", "c"].entries()) small.set(key, index, 10);
    expect([small.get("a", 0), small.get("b", 0), small.get("c", 0)]).toEqual([undefined, 1, 2]);
  });

  it("never holds more than may weigh together, and nothing that is too heavy alone", () => {
    const small = createBoundedCache<string>(10, { max: 5, of: (value) => value.length });
    for (const [key, value] of Object.entries({ a: "11", b: "22", c: "333", d: "666666" })) small.set(key, value, 10);
    expect(["a", "b", "c", "d"].map((key) => small.get(key, 0))).toEqual([undefined, "22", "333", undefined]);
    small.set("b", "1", 10);
    small.set("e", "4", 10);
    expect(["b", "c", "e"].map((key) => small.get(key, 0))).toEqual(["1", "333", "4"]);
    small.deleteWhere((key) => key === "c");
    small.set("f", "333", 10);
    expect(["b", "e", "f"].map((key) => small.get(key, 0))).toEqual(["1", "4", "333"]);
  });

  it("forgets at the stated time, and what is deleted", () => {
    const small = createBoundedCache<number>(2);
    small.set("a", 1, 10);
    expect([small.get("a", 9), small.get("a", 10)]).toEqual([1, undefined]);
    small.set("b", 1, 10);
    small.deleteWhere((key) => key === "b");
    expect(small.get("b", 0)).toBeUndefined();
  });
});
