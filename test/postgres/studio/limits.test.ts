/** An organisation's own limits as studio keeps them: checked, versioned, told to edge and hub, and how much is used. */
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { defaultLimitsPolicy, type LimitsPolicy, limitBounds } from "../../../core/tenancy/limits-policy.ts";
import { type OrgPolicy, parseOrgPolicy } from "../../../core/tenancy/policy.ts";
import { runGeoUpkeep } from "../../../workers/studio/geo/upkeep.ts";
import { createHarness, type Harness, type SendOptions } from "./harness.ts";

let studio: Harness;
let org: Awaited<ReturnType<Harness["newOrg"]>>;
beforeAll(async () => {
  studio = await createHarness();
});
beforeEach(async () => {
  studio.standIns.broken.clear();
  org = await studio.newOrg();
});

const ask = (method: string, path = "", options: SendOptions = {}) =>
  studio.send(method, `/api/v1/orgs/${org.slug}/policies/limits${path}`, { token: org.owner.token, ...options });
const version = async (): Promise<string> => (await ask("GET")).body.version;
const put = async (limits: object, options: SendOptions = {}) =>
  ask("PUT", "", { body: { ...limits, version: await version() }, ...options });
const published = (): OrgPolicy["limits"] | undefined =>
  parseOrgPolicy(JSON.parse(studio.kv.get(`org:${org.id}`) ?? "null"))?.limits;
/** What the hub heard last. */
const told = (): LimitsPolicy | undefined =>
  studio.standIns.calls.findLast(({ method, args }) => method === "putLimits" && args[0] === org.id)
    ?.args[1] as LimitsPolicy;

const slow: LimitsPolicy = {
  devices: { packets_per_second: 10, bytes_per_second: 100_000, connects_per_minute: 20 },
  clients: { ...defaultLimitsPolicy.clients, requests_per_minute: 60 },
  organisation: { requests_per_minute: 3_000, upgrades_per_minute_of_an_address: 1_200 },
};

describe("an organisation's own limits", () => {
  it("are the platform's until somebody decides, then what was sent, at the edge, at the hub and on record", async () => {
    expect((await ask("GET")).body).toMatchObject({ ...defaultLimitsPolicy, bounds: limitBounds });
    const done = await put(slow);
    expect(done).toMatchObject({ status: 200, body: slow });
    expect([published(), told()]).toEqual([slow, slow]);
    expect((await ask("GET")).body).toEqual(done.body);
    expect(studio.audit.of(done.requestId).map(({ event }) => event)).toContainEqual({
      type: "policy_change",
      user_id: org.owner.id,
      policy: "limits",
    });
  });

  it("are decided on a version: of two changes at once one is refused and nothing of it is anywhere", async () => {
    const seen = await version();
    const first = await ask("PUT", "", { body: { ...slow, version: seen } });
    const second = await ask("PUT", "", { body: { ...defaultLimitsPolicy, version: seen } });
    expect([first.status, second.status, second.body.code]).toEqual([200, 409, "conflict"]);
    expect([published(), told()]).toEqual([slow, slow]);
  });

  it("leave the other policies as they are, and these leave them", async () => {
    await put(slow);
    const geo = { body: { countries: ["IN", "NP"] }, token: org.owner.token };
    expect((await studio.send("PUT", `/api/v1/orgs/${org.slug}/policies/geo`, geo)).status).toBe(200);
    expect([published(), told()]).toEqual([slow, slow]);
    await put(defaultLimitsPolicy);
    expect(JSON.parse(studio.kv.get(`org:${org.id}`) ?? "null").geo.surfaces.api.countries).toEqual(["IN", "NP"]);
  });

  it.each([
    [{ devices: { ...slow.devices, packets_per_second: 4 } }, "devices.packets_per_second", "from 5 to 100"],
    [{ devices: { ...slow.devices, packets_per_second: 101 } }, "devices.packets_per_second", "from 5 to 100"],
    [{ devices: { ...slow.devices, bytes_per_second: 1e5 + 0.5 } }, "devices.bytes_per_second", "a whole number"],
    [{ clients: { ...slow.clients, requests_per_minute: 101 } }, "clients.requests_per_minute", "from 30 to 100"],
    [
      { organisation: { ...slow.organisation, upgrades_per_minute_of_an_address: 1_201 } },
      "organisation.upgrades_per_minute_of_an_address",
      "from 60 to 1200",
    ],
    [{ devices: { ...slow.devices, packets_per_second: "10" } }, "devices.packets_per_second", ""],
    [{ devices: { packets_per_second: 10 } }, "devices.bytes_per_second", ""],
    [{ devices: { ...slow.devices, surplus: 1 } }, "devices", ""],
    [{ surplus: 1 }, "surplus", ""],
    [{ countries: ["DE"] }, "countries", ""],
    [{ clients: undefined }, "clients", ""],
  ])("are refused as %j, which says where and what may stand there", async (changes, path, message) => {
    const refused = await put({ ...slow, ...changes });
    expect([refused.status, refused.body.code]).toEqual([422, "invalid_request"]);
    const [error] = refused.body.errors as { path: string; message: string }[];
    expect(`${error?.path} ${error?.message}`).toContain(path);
    expect(error?.message).toContain(message);
    expect(published()).toEqual(defaultLimitsPolicy);
  });

  it("hold also when the hub is away, which hears of them within a minute of its return", async () => {
    studio.standIns.broken.add("putLimits");
    expect((await put(slow)).status).toBe(200);
    expect([published(), told()]).toEqual([slow, undefined]);
    await runGeoUpkeep(studio.studio.services);
    studio.standIns.broken.clear();
    await runGeoUpkeep(studio.studio.services);
    expect(told()).toEqual(slow);
    const before = studio.standIns.calls.length;
    await runGeoUpkeep(studio.studio.services);
    expect(studio.standIns.calls.slice(before).filter(({ args }) => args[0] === org.id)).toEqual([]);
  });

  it("are an administrator's to set who proved himself, and nobody else's", async () => {
    const wanted = { body: { ...slow, version: await version() } };
    for (const role of ["analyst", "viewer", "readonly"] as const) {
      const member = await studio.newMember(org, role);
      expect((await ask("PUT", "", { ...wanted, token: member.token })).status).toBe(403);
      expect((await ask("GET", "", { token: member.token })).status).toBe(role === "readonly" ? 200 : 403);
      expect((await ask("GET", "/usage", { token: member.token })).status).toBe(role === "readonly" ? 200 : 403);
    }
    const other = await studio.newOrg();
    for (const [method, path] of [
      ["GET", ""],
      ["PUT", ""],
      ["GET", "/usage"],
    ] as const) {
      const answer = await ask(method, path, { ...(method === "PUT" ? wanted : {}), token: other.owner.token });
      expect([answer.status, answer.body.code]).toEqual([404, "not_found"]);
    }
    expect(published()).toEqual(defaultLimitsPolicy);
  });
});

describe("limits in use", () => {
  it("are what the hub says at this moment, in whole figures, with who is nearest to a bound", async () => {
    const use = await ask("GET", "/usage");
    expect(use).toMatchObject({
      status: 200,
      body: {
        requests: { used: 3, limit: 6000 },
        packets: { used: 13, limit: 1000 },
        sockets: 2,
        heaviest: [{ kind: "device", packets: { used: 13, limit: 1000 }, bytes: { used: 4096, limit: 4_194_304 } }],
      },
    });
  });

  it("have no answer without the hub: none would look like nobody", async () => {
    studio.standIns.broken.add("limitsInUse");
    expect((await ask("GET", "/usage")).status).toBe(503);
  });
});
