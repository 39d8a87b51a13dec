import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makeId, type OrgId, type UserId } from "../../../core/ids.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import { reasonCodes } from "../../../core/mqtt/reason-codes.ts";
import { gatewayHeaders, type HubGeoRpc } from "../../../core/rpc/durable-objects.ts";
import { type GeoPolicy, onlyCountries, plainGeoPolicy, type Surface } from "../../../core/tenancy/geo-policy.ts";
import { writeGeoSeen } from "../../../core/tenancy/geo-seen.ts";
import { parseNetwork } from "../../../core/tenancy/network.ts";
import { resetIngest } from "./fake-ingest.ts";
import {
  accessToken,
  Client,
  countRows,
  enrol,
  entrypoints,
  evict,
  expectAccepted,
  goodbye,
  newOrg,
  newUser,
  nextAlarm,
  passTime,
  ringAlarm,
  stopClock,
  studio,
  type TestDevice,
  userCall,
} from "./harness.ts";

beforeAll(stopClock);
beforeEach(resetIngest);

const hub = entrypoints.HubControl as typeof entrypoints.HubControl & HubGeoRpc;
const india = plainGeoPolicy(onlyCountries(["IN"]));
const germany = plainGeoPolicy(onlyCountries(["DE"]));
const both = plainGeoPolicy(onlyCountries(["DE", "IN"]));

/** What the edge says of an upgrade. */
function from(country: string | null, surface: Surface | null, changes: object = {}): Record<string, string> {
  const network = parseNetwork("203.0.113.7");
  if (network === null) throw new Error("the test's address is malformed");
  const standings = { api: "admitted", devices: "admitted", dashboard: "admitted" } as const;
  const seen = { facts: { country, asn: 55836, network }, ip: "203.0.113.7", surface, standings, ...changes };
  return { [gatewayHeaders.geo]: writeGeoSeen(seen) };
}

async function tell(org: OrgId, policy: GeoPolicy, version: number): Promise<void> {
  await hub.putGeo(await userCall(org), org, policy, version);
}

async function connectDevice(device: TestDevice, headers: Record<string, string>) {
  const client = await Client.open(device.org, headers, 5, device.id);
  return { client, answer: await client.connect({ username: device.id, password: device.token, keepAliveSeconds: 0 }) };
}

async function connectUser(org: OrgId, user: UserId, headers: Record<string, string>, cookie = false) {
  await entrypoints.HubControl.putMember(await userCall(org), org, user, "owner");
  const token = await accessToken(org, user, "owner");
  const client = await Client.open(org, cookie ? { ...headers, Authorization: `Bearer ${token}` } : headers, 5);
  const own = cookie ? {} : { username: user, password: token };
  return { client, answer: await client.connect({ ...own, clean: true, keepAliveSeconds: 0 }) };
}

const notAuthorized = { type: "connack", reasonCode: reasonCodes.not_authorized };
const closed = { type: "closed", code: 1008 };

async function expectClosed(client: Client): Promise<void> {
  expect(await client.next()).toMatchObject({ type: "disconnect", reasonCode: reasonCodes.not_authorized });
  expect(await client.next()).toMatchObject(closed);
}

describe("a new geo policy", () => {
  it("has closed the sockets that it refuses when the word returns, and leaves the others open", async () => {
    const org = newOrg();
    const [there, here] = [await enrol(org), await enrol(org)];
    const german = await connectDevice(there, from("DE", null));
    const indian = await connectDevice(here, from("IN", null));
    const person = await connectUser(org, newUser(), from("DE", null));
    for (const { answer } of [german, indian, person]) expectAccepted(answer);
    await tell(org, india, 1);
    await expectClosed(german.client);
    await expectClosed(person.client);
    expect(await indian.client.publish(here.topic("events"), "still here")).toMatchObject({ type: "puback" });
  });

  it("judges hibernated sockets by what their attachments kept", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const { client, answer } = await connectDevice(device, from("DE", null));
    expectAccepted(answer);
    await evict(org, { webSockets: "hibernate" });
    await tell(org, india, 1);
    await expectClosed(client);
  });

  it("refuses a CONNECT that the edge, a minute behind, let through, also after an eviction", async () => {
    const org = newOrg();
    const device = await enrol(org);
    await tell(org, india, 1);
    await evict(org);
    const { client, answer } = await connectDevice(device, from("DE", null));
    expect(answer).toMatchObject(notAuthorized);
    expect(await client.next()).toMatchObject(closed);
    expectAccepted((await connectDevice(device, from("IN", null))).answer);
  });

  it("judges by the credential that counts, not by the one that opened the socket", async () => {
    const org = newOrg();
    const device = await enrol(org);
    await tell(org, plainGeoPolicy({ ...onlyCountries(["DE"]), devices: onlyCountries(["IN"]).devices }), 1);
    const user = newUser();
    const page = await connectUser(org, user, from("DE", "dashboard"), true);
    expectAccepted(page.answer);
    const token = await accessToken(org, user, "owner");
    const headers = { ...from("DE", "dashboard"), Authorization: `Bearer ${token}` };
    const client = await Client.open(org, headers, 5, device.id);
    const asDevice = await client.connect({ username: device.id, password: device.token });
    // Where the tenant is split, the object that this socket came to knows no devices, and sends them on.
    expect([notAuthorized.reasonCode, reasonCodes.use_another_server]).toContain(
      asDevice.type === "connack" ? asDevice.reasonCode : null,
    );
  });

  it("is the newest one: a word that comes late changes nothing", async () => {
    const org = newOrg();
    const device = await enrol(org);
    await tell(org, germany, 7);
    await tell(org, india, 6);
    expectAccepted((await connectDevice(device, from("DE", null))).answer);
  });

  it("lets nobody in of whom it is not known where he is", async () => {
    const org = newOrg();
    const device = await enrol(org);
    expectAccepted((await connectDevice(device, {})).answer);
    await tell(org, both, 1);
    expect((await connectDevice(device, {})).answer).toMatchObject(notAuthorized);
    expect((await connectDevice(device, { [gatewayHeaders.geo]: "{}" })).answer).toMatchObject(notAuthorized);
    expect((await connectDevice(device, from(null, null))).answer).toMatchObject(notAuthorized);
  });

  it("that was never told leaves the edge's word on each surface", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const standings = { api: "admitted", devices: "refused" };
    expect((await connectDevice(device, from("DE", null, { standings }))).answer).toMatchObject(notAuthorized);
    expectAccepted((await connectUser(org, newUser(), from("DE", null, { standings }))).answer);
    const travellers = { api: "person_only" };
    const person = await connectUser(org, newUser(), from("DE", null, { standings: travellers }));
    expect(person.answer).toMatchObject(notAuthorized);
  });

  it("is an owner's, an admin's or the clock's to tell, and of the caller's own organisation", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const refused = async (call: SignedCall, of = org) => {
      await expect((async () => await hub.putGeo(call, of, germany, 9))()).rejects.toThrow("call refused");
    };
    for (const role of ["analyst", "viewer", "readonly"] as const) await refused(await userCall(org, role));
    await refused(await userCall(newOrg()));
    await expect((async () => await hub.putGeo(await userCall(org), org, {} as GeoPolicy, 9))()).rejects.toThrow(
      "not a geo policy",
    );
    const viewers = await userCall(org, "viewer");
    await expect((async () => await hub.geoRefused(viewers, org, both, india))()).rejects.toThrow("call refused");
    expectAccepted((await connectDevice(device, from("IN", null))).answer);
    const request = makeId("request", Date.now(), crypto.getRandomValues(new Uint8Array(10)));
    await hub.putGeo(await studio().asJob("durable-objects.hub-control", "provision", org, request), org, germany, 9);
    expect((await connectDevice(device, from("IN", null))).answer).toMatchObject(notAuthorized);
  });
});

describe("what a policy allows for a time", () => {
  it("ends for open sockets with the time, by the object's own alarm, also when it was evicted meanwhile", async () => {
    const org = newOrg();
    const user = newUser();
    const untilMs = Date.now() + 30_000;
    await tell(org, { ...india, exceptions: [{ user, country: "DE", untilMs }] }, 1);
    const traveller = await connectUser(org, user, from("DE", "dashboard"), true);
    expectAccepted(traveller.answer);
    expect((await connectUser(org, newUser(), from("DE", "dashboard"), true)).answer).toMatchObject(notAuthorized);
    await evict(org, { webSockets: "hibernate" });
    expect(await nextAlarm(org)).toBeLessThanOrEqual(untilMs);
    passTime(30_000);
    await ringAlarm(org);
    await expectClosed(traveller.client);
  });

  it("goes back to the confirmed rules: who came by the change goes, whoever it shut out may come", async () => {
    const org = newOrg();
    const [there, here] = [await enrol(org), await enrol(org)];
    const revert = { atMs: Date.now() + 30_000, surfaces: india.surfaces };
    await tell(org, { ...germany, revert }, 1);
    const german = await connectDevice(there, from("DE", null));
    expectAccepted(german.answer);
    expect((await connectDevice(here, from("IN", null))).answer).toMatchObject(notAuthorized);
    passTime(30_000);
    await ringAlarm(org);
    await expectClosed(german.client);
    expectAccepted((await connectDevice(here, from("IN", null))).answer);
  });
});

describe("whom a policy would shut out", () => {
  it("is named by country, for seven days after a device was last there, and no longer once it is removed", async () => {
    const org = newOrg();
    const [there, here, gone] = [await enrol(org), await enrol(org), await enrol(org)];
    for (const [device, country] of [
      [there, "DE"],
      [here, "IN"],
      [gone, "DE"],
    ] as const) {
      const { client, answer } = await connectDevice(device, from(country, null));
      expectAccepted(answer);
      expect(await client.ask(goodbye)).toMatchObject({ type: "closed" });
    }
    await hub.removeDevice(await userCall(org), org, gone.id);
    await evict(org);
    const asked = await hub.geoRefused(await userCall(org), org, both, india);
    expect(asked).toMatchObject({ total: 1, byCountry: { DE: 1 }, devices: [{ device: there.id, country: "DE" }] });
    expect(await hub.geoRefused(await userCall(org), org, india, germany)).toMatchObject({
      total: 1,
      devices: [{ device: here.id }],
    });
    passTime(7 * 24 * 3600_000 + 1);
    expect((await hub.geoRefused(await userCall(org), org, both, india)).total).toBe(0);
    expect(await countRows(org, "geo_devices")).toBe(0);
  });

  it("is where a connected device is now, however long ago it came", async () => {
    const org = newOrg();
    const device = await enrol(org);
    const { answer } = await connectDevice(device, from("DE", null));
    expectAccepted(answer);
    passTime(8 * 24 * 3600_000);
    expect((await hub.geoRefused(await userCall(org), org, both, india)).total).toBe(1);
  });
});
