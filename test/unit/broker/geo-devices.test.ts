import { expect, it } from "vitest";
import { makeId } from "../../../core/ids.ts";
import type { GeoSeen } from "../../../core/tenancy/geo-seen.ts";
import { parseNetwork } from "../../../core/tenancy/network.ts";
import { GeoDevices } from "../../../durable-objects/tenant-hub/geo-devices.ts";

const hourMs = 3600_000;
const device = makeId("device", 0, new Uint8Array(10));

function setup() {
  const written: unknown[][] = [];
  const exec = (statement: string, ...values: unknown[]) => {
    if (statement.startsWith("INSERT")) written.push(values.slice(1, 4));
  };
  const devices = new GeoDevices({ exec } as unknown as ConstructorParameters<typeof GeoDevices>[0]);
  const note = (country: string, ip: string, atMs: number) => {
    const network = parseNetwork(ip);
    if (network === null) throw new Error(`${ip} is no address`);
    const seen: GeoSeen = { facts: { country, asn: null, network }, ip, surface: "devices", standings: {} };
    devices.note(device, seen, atMs);
    return written.length;
  };
  return { note, written };
}

it("writes where a device is once an hour, while it stays there", () => {
  const { note } = setup();
  expect(note("IN", "192.0.2.7", 0)).toBe(1);
  expect(note("IN", "192.0.2.8", hourMs - 1)).toBe(1);
  expect(note("IN", "192.0.2.7", hourMs)).toBe(2);
});

it("writes another country or network at once, and the first one again", () => {
  const { note, written } = setup();
  note("IN", "192.0.2.7", 0);
  note("IN", "198.51.100.7", 1);
  note("DE", "198.51.100.7", 2);
  note("IN", "192.0.2.7", 3);
  expect(written.map(([country]) => country)).toEqual(["IN", "IN", "DE", "IN"]);
});
