import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { newDeviceId } from "../data/support.ts";
import { newOrgId } from "../support.ts";
import { createHarness, operatorToken } from "./harness.ts";

let studio: Awaited<ReturnType<typeof createHarness>>;
let org: Awaited<ReturnType<(typeof studio)["newOrg"]>>;
beforeAll(async () => {
  studio = await createHarness();
});
beforeEach(async () => {
  org = await studio.newOrg();
  studio.standIns.calls.length = 0;
});

const path = (rest: string, target = org.slug as string): string => `/api/v1/operator/orgs/${target}/hub/${rest}`;
const asOperator = { token: operatorToken };
const devices = (count: number): unknown[] =>
  Array.from({ length: count }, () => ({ device: newDeviceId(), token_sha256: "0".repeat(64) }));
const range = (items: unknown, more: object = {}) => ({ devices: { after: null, until: null, items, ...more } });

describe("the operator's routes to a hub's content", () => {
  it("begin a copy, read a page of it and forget it, as studio's job for that organisation alone", async () => {
    const begun = await studio.send("POST", path("export"), asOperator);
    expect(begun).toMatchObject({ status: 200, body: { objects: [{ object: org.id, pages: 1 }] } });
    const { export: which } = begun.body as { export: string };
    const page = await studio.send("GET", path(`export?export=${which}&object=${org.id}&page=0`), asOperator);
    expect(page).toMatchObject({ status: 200, body: { bytes: btoa('["devices",{}]\n') } });
    const gone = await studio.send("GET", path(`export?export=${which}&object=${org.id}&page=1`), asOperator);
    expect(gone.status).toBe(404);
    expect((await studio.send("POST", path("export/end"), { ...asOperator, body: { export: which } })).status).toBe(
      204,
    );
    const asked = studio.standIns.calls.filter(({ method }) => /Export$/.test(method));
    expect(asked.map(({ method, by, args }) => [method, by, args[0]])).toEqual(
      ["beginExport", "readExport", "readExport", "endExport"].map((method) => [method, "backup", org.id]),
    );
  });

  it("tell a hub what was restored", async () => {
    const [one] = devices(1) as [{ device: string; token_sha256: string }];
    const answer = await studio.send("POST", path("reconcile"), { ...asOperator, body: range([one]) });
    expect(answer.status).toBe(204);
    expect(studio.standIns.calls.at(-1)).toMatchObject({
      method: "reconcile",
      by: "backup",
      args: [
        org.id,
        { kind: "devices", after: null, until: null, devices: [{ device: one.device, tokenSha256: one.token_sha256 }] },
      ],
    });
  });

  it("put a backup and a restore on record, in the organisation's own log too", async () => {
    const backup = "bak_01jd3x2k8hf9v8v3k4m5n6p7q8";
    const sent = await studio.send("POST", path("../backups/record"), {
      ...asOperator,
      body: { action: "restore_begun", backup },
    });
    expect(sent.status).toBe(204);
    const event = { type: "backup", user_id: null, org_id: org.id, action: "restore_begun", backup_id: backup };
    expect(studio.audit.of(sent.requestId).map((entry) => entry.event)).toEqual(expect.arrayContaining([event]));
    const listed = await studio.send("GET", `/api/v1/orgs/${org.slug}/audit?type=backup`, {
      token: org.owner.token,
    });
    expect(listed.body.items.map((entry: { event: unknown }) => entry.event)).toContainEqual(event);
  });

  it.each<[string, "POST" | "GET", string, unknown?]>([
    ["a copy's beginning", "POST", "export"],
    ["a page", "GET", "export?export=01890a5d-ac96-774b-bcce-b302099a8057&object=x&page=0"],
    ["a reconciliation", "POST", "reconcile", range([])],
  ])("do not exist for an owner: %s", async (_, method, rest, body) => {
    const answer = await studio.send(method, path(rest), {
      token: org.owner.token,
      ...(body === undefined ? {} : { body }),
    });
    expect(answer.status).toBe(404);
    expect(studio.standIns.calls).toEqual([]);
  });

  it.each<[string, unknown]>([
    ["more than one range holds", range(devices(251))],
    ["a token instead of its hash", range([{ device: newDeviceId(), token_sha256: `sdt_${"a".repeat(43)}` }])],
    ["devices and groups at once", { ...range([]), groups: { after: null, until: null, items: [] } }],
    ["neither", {}],
    ["an end of another kind", range([], { until: newOrgId() })],
  ])("take no %s", async (_, body) => {
    const answer = await studio.send("POST", path("reconcile"), { ...asOperator, body });
    expect(answer.body.code).toBe("invalid_request");
    expect(studio.standIns.calls).toEqual([]);
  });

  it("know no organisation that is not there, and no object whose name is none", async () => {
    expect((await studio.send("POST", path("export", newOrgId()), asOperator)).status).toBe(404);
    const query = "export=01890a5d-ac96-774b-bcce-b302099a8057&page=0&object=";
    for (const object of ["../x", `${org.id}:shard:x`, `${org.id}:shard:1:1`, "%"]) {
      const answer = await studio.send("GET", path(`export?${query}${encodeURIComponent(object)}`), asOperator);
      expect(answer.body.code).toBe("invalid_request");
    }
    expect(studio.standIns.calls).toEqual([]);
  });
});
