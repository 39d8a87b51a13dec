import { afterEach, describe, expect, it, vi } from "vitest";
import type { EdgeTraffic } from "../../../core/rpc/durable-objects.ts";
import { parseNetwork } from "../../../core/tenancy/network.ts";
import { createTrafficCounter, trafficPauseMs, trafficRowsMax } from "../../../workers/edge/geo-traffic.ts";
import { orgId } from "./contexts.ts";

function setup(traffic: (rows: readonly EdgeTraffic[]) => Promise<void> = async () => undefined) {
  let atMs = 1000;
  const reports: (readonly EdgeTraffic[])[] = [];
  const pauses: (() => void)[] = [];
  const counter = createTrafficCounter(() => atMs);
  const events = {
    traffic: async (rows: readonly EdgeTraffic[]) => {
      reports.push(rows);
      await traffic(rows);
    },
  };
  const later = () => counter.reportLater(events, () => new Promise<void>((resolve) => pauses.push(resolve)));
  return { counter, reports, pauses, later, pass: (ms: number) => (atMs += ms) };
}
const from = (ip: string, country: string | null = "IN", asn: number | null = 55836) => {
  const network = parseNetwork(ip);
  if (network === null) throw new Error("not an address");
  return { surface: "api", facts: { country, asn, network }, ip, admitted: true } as const;
};

afterEach(() => vi.restoreAllMocks());

describe("counting where requests come from", () => {
  it("keeps networks, never addresses, and makes one report of many requests", async () => {
    const { counter, reports, pauses, later } = setup();
    for (let host = 1; host <= 200; host += 1) counter.count(orgId, from(`203.0.113.${host}`));
    counter.count(orgId, { ...from("2001:db8:1:2::3", null, null), surface: null, admitted: false });
    const waiting = [later(), later(), later()];
    expect(pauses).toHaveLength(1);
    pauses[0]?.();
    await Promise.all(waiting);
    expect(reports).toEqual([
      [
        {
          org: orgId,
          surface: "api",
          country: "IN",
          asn: 55836,
          network: "203.0.113.0/24",
          admitted: true,
          count: 200,
        },
        {
          org: orgId,
          surface: "devices",
          country: "XX",
          asn: 0,
          network: "2001:db8:1::/48",
          admitted: false,
          count: 1,
        },
      ],
    ]);
  });

  it("stays small under a flood of origins: the rest is counted by country", async () => {
    const { counter, reports, pauses, later } = setup();
    const origins = trafficRowsMax + 300;
    for (let at = 0; at < origins; at += 1) counter.count(orgId, from(`10.${at >> 8}.${at & 255}.1`));
    const sent = later();
    pauses[0]?.();
    await sent;
    const [rows = []] = reports;
    expect(rows).toHaveLength(trafficRowsMax + 1);
    expect(rows.at(-1)).toMatchObject({ country: "IN", asn: 0, network: "", count: 300 });
    expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(origins);
  });

  it("goes on when a report fails, and another request takes over from one that was cancelled", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const { counter, reports, pauses, later, pass } = setup(async () => {
      throw new Error("away");
    });
    counter.count(orgId, from("203.0.113.1"));
    const failed = later();
    pauses[0]?.();
    await failed;
    counter.count(orgId, from("203.0.113.1"));
    void later();
    pass(2 * trafficPauseMs);
    counter.count(orgId, from("203.0.113.1"));
    const taken = later();
    pauses[2]?.();
    await taken;
    expect(reports.map((rows) => rows.map(({ count }) => count))).toEqual([[1], [2]]);
  });
});
