import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { gatewayHeaders } from "../../../core/rpc/durable-objects.ts";
import { resetIngest } from "./fake-ingest.ts";
import { Client, enrol, expectAccepted, newOrg, passTime, stopClock, type TestDevice } from "./harness.ts";

beforeAll(stopClock);
beforeEach(resetIngest);

/** As many as make a crowd (admission.ts). */
const crowd = 1000;

/** An upgrade that the edge took so long ago; its socket is closed again, or its refusal read. */
async function upgrade(device: TestDevice, waitedMs: number): Promise<{ status: number; retryAfter: number | null }> {
  const arrived = { [gatewayHeaders.arrived]: String(Date.now() - waitedMs) };
  const answer = await Client.upgrade({ "X-Sentinel-Org": device.org, ...arrived }, device.id);
  if (answer.webSocket === null) await answer.text();
  answer.webSocket?.accept();
  answer.webSocket?.close(1000, "only knocking");
  const retryAfter = answer.headers.get("Retry-After");
  return { status: answer.status, retryAfter: retryAfter === null ? null : Number(retryAfter) };
}

async function atTheDoor(device: TestDevice, count: number): Promise<Client[]> {
  const clients: Client[] = [];
  for (let at = 0; at < count; at += 1) clients.push(await Client.open(device.org, {}, 4, device.id));
  return clients;
}

describe("upgrades of a crowd at an object that has fallen behind", () => {
  it("are refused before there is a socket, each told another time, and taken when it has caught up", async () => {
    const device = await enrol(newOrg());
    const [first] = await atTheDoor(device, crowd);
    expect((await upgrade(device, 2_900)).status).toBe(101);
    const late = await upgrade(device, 3_100);
    expect(late.status).toBe(503);
    // Others of the same second, however quick they were: they would wait behind those that are there.
    const hints = new Set<number | null>();
    for (let time = 0; time < 30; time += 1) {
      const { status, retryAfter } = await upgrade(device, 0);
      expect(status).toBe(503);
      hints.add(retryAfter);
    }
    for (const seconds of hints) expect(seconds !== null && seconds >= 1 && seconds <= 15).toBe(true);
    expect(hints.size).toBeGreaterThan(3);
    // The second is over, and nobody else has waited.
    passTime(1_001);
    expect((await upgrade(device, 0)).status).toBe(101);
    if (first === undefined) throw new Error("nobody came");
    expectAccepted(await first.connect({ username: device.id, password: device.token }));
  });

  it("are taken where there is no crowd: turning a few away helps nobody", async () => {
    const device = await enrol(newOrg());
    await atTheDoor(device, 3);
    for (const waitedMs of [10_000, 0]) expect((await upgrade(device, waitedMs)).status).toBe(101);
  });

  it("say nothing of how long they waited when the edge does not, or says what no edge says", async () => {
    const device = await enrol(newOrg());
    await atTheDoor(device, crowd);
    for (const arrived of ["", "never", "-1", "0"]) {
      const headers = { "X-Sentinel-Org": device.org, [gatewayHeaders.arrived]: arrived };
      const answer = await Client.upgrade(headers, device.id);
      expect(answer.status).toBe(101);
      answer.webSocket?.accept();
      answer.webSocket?.close(1000, "only knocking");
    }
  });
});
