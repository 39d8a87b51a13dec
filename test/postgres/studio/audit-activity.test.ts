import { beforeAll, describe, expect, it } from "vitest";
import { createHarness, type Harness } from "./harness.ts";

let studio: Harness;
let org: Awaited<ReturnType<Harness["newOrg"]>>;
beforeAll(async () => {
  studio = await createHarness();
  org = await studio.newOrg();
});
const ask = (query: string, token = org.owner.token) =>
  studio.send("GET", `/api/v1/orgs/${org.slug}/audit/activity${query}`, { token });

describe("the audit log's activity", () => {
  it.each([
    ["?days=1", 3600, 24],
    ["?days=7", 86_400, 7],
    ["?days=30&zone=330", 86_400, 30],
    ["", 86_400, 7],
  ])("%s is counted in hours or days of the reader's zone", async (query, step, steps) => {
    const { status, body } = await ask(query);
    expect([status, body.step, body.steps, body.complete]).toEqual([200, step, steps, true]);
    expect(body.counts).toEqual([{ at: body.from, type: "login", outcome: "failure", count: 3 }]);
    const zoneMs = query.includes("zone") ? 330 * 60_000 : 0;
    expect((Date.parse(body.from) + zoneMs) % (step * 1000)).toBe(0);
  });

  it("takes nothing but what it can count by", async () => {
    const bad = [
      "?days=2",
      "?days=01",
      "?days=",
      "?zone=7",
      "?zone=855",
      "?zone=-735",
      "?zone=1e2",
      "?zone=-0",
      "?x=1",
    ];
    for (const query of bad) expect([query, (await ask(query)).status]).toEqual([query, 422]);
    for (const query of ["?zone=840", "?zone=-720", "?zone=345"]) expect((await ask(query)).status).toBe(200);
  });

  it("is for whoever may read the log", async () => {
    for (const role of ["admin", "readonly"] as const)
      expect((await ask("", (await studio.newMember(org, role)).token)).status).toBe(200);
    for (const role of ["analyst", "viewer"] as const)
      expect((await ask("", (await studio.newMember(org, role)).token)).status).toBe(403);
    expect((await ask("", (await studio.newAccount()).token)).status).toBe(404);
  });
});
