import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeId } from "../../../core/ids.ts";
import {
  type GeoFacts,
  type GeoPolicy,
  geoListMax,
  judgeGeo,
  judgeSurface,
  mayTravel,
  onlyCountries,
  parseGeoPolicy,
  plainGeoPolicy,
  readGeoFacts,
  type SurfaceRules,
} from "../../../core/tenancy/geo-policy.ts";
import { readGeoSeen, writeGeoSeen } from "../../../core/tenancy/geo-seen.ts";
import { coarseNetwork, contains, type Network, overlaps, parseNetwork } from "../../../core/tenancy/network.ts";
import { parseOrgPolicy } from "../../../core/tenancy/policy.ts";
import { nowMs, orgId, orgPolicy, userId } from "./contexts.ts";

const net = (text: string): Network => {
  const network = parseNetwork(text);
  if (network === null) throw new Error(`${text} is no network`);
  return network;
};
const bits4 = fc.integer({ min: 0, max: 0xffff_ffff });
const text4 = (bits: number) => [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join(".");
const groups6 = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 });
const text6 = (groups: readonly number[]) => groups.map((group) => group.toString(16)).join(":");
/** Slowly: the first `length` bits, as text of ones and zeros. */
const bitsOf4 = (bits: number): string => (bits >>> 0).toString(2).padStart(32, "0");
const bitsOf6 = (groups: readonly number[]): string => groups.map((g) => g.toString(2).padStart(16, "0")).join("");

describe("networks", () => {
  it("hold exactly the IPv4 addresses that share their first bits", () => {
    fc.assert(
      fc.property(bits4, bits4, fc.integer({ min: 0, max: 32 }), fc.boolean(), (base, other, length, near) => {
        const masked = length === 0 ? 0 : (base & (-1 << (32 - length))) >>> 0;
        // Half of the addresses are near the edge of the network, where an off-by-one would show.
        const address = near ? (masked + ((other % 5) - 2)) >>> 0 : other;
        const expected = bitsOf4(masked).slice(0, length) === bitsOf4(address).slice(0, length);
        expect(contains(net(`${text4(masked)}/${length}`), net(text4(address)))).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });

  it("hold exactly the IPv6 addresses that share their first bits", () => {
    fc.assert(
      fc.property(groups6, groups6, fc.integer({ min: 0, max: 128 }), fc.nat(128), (base, other, length, kept) => {
        const masked = bitsOf6(base).slice(0, length).padEnd(128, "0");
        const address = masked.slice(0, kept) + bitsOf6(other).slice(kept);
        const groupsOf = (bits: string) => (bits.match(/.{16}/g) ?? []).map((group) => Number.parseInt(group, 2));
        const network = net(`${text6(groupsOf(masked))}/${length}`);
        // A base inside ::ffff:0:0/96 is IPv4 and has a family of its own.
        fc.pre(network.family === 6 && net(text6(groupsOf(address))).family === 6);
        const expected = masked.slice(0, length) === address.slice(0, length);
        expect(contains(network, net(text6(groupsOf(address))))).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });

  it("are IPv4 also when they are written as IPv6, so that no list is passed by spelling", () => {
    fc.assert(
      fc.property(bits4, (bits) => {
        expect(net(`::ffff:${text4(bits)}`)).toEqual(net(text4(bits)));
      }),
    );
    expect(net("::ffff:203.0.113.0/120")).toEqual(net("203.0.113.0/24"));
    expect(parseNetwork("::ffff:0.0.0.0/95")).toBeNull();
  });

  it.each([
    "10.1.2.3/8",
    "10.0.0.0/33",
    "10.0.0.0/08",
    "10.0.0/8",
    "10.0.0.0/",
    "/8",
    "",
    "010.0.0.1",
    "1.2.3.4/-1",
    "::1/129",
    "2001:db8::1/32",
    "fe80::1%eth0",
    " 10.0.0.1",
    "10.0.0.1\n",
    null,
    42,
    "1".repeat(200),
  ])("refuse %j", (text) => {
    expect(parseNetwork(text)).toBeNull();
  });

  it("are kept coarsely enough to name no household", () => {
    expect(coarseNetwork("203.0.113.77")).toBe("203.0.113.0/24");
    expect(coarseNetwork("::ffff:203.0.113.77")).toBe("203.0.113.0/24");
    expect(coarseNetwork("2001:db8:1:2:3:4:5:6")).toBe("2001:db8:1::/48");
    fc.assert(
      fc.property(groups6, (groups) => {
        const address = net(text6(groups));
        const kept = net(coarseNetwork(text6(groups)) ?? "");
        expect(contains(kept, address)).toBe(true);
        expect(kept.last - kept.first + 1n).toBeGreaterThanOrEqual(address.family === 4 ? 256n : 1n << 80n);
      }),
    );
  });
});

const rules = (changes: Partial<SurfaceRules> = {}): SurfaceRules => ({
  countries: ["IN"],
  networks: { allow: [], deny: [] },
  asns: { allow: [], deny: [] },
  ...changes,
});
const facts = (changes: Partial<GeoFacts> = {}): GeoFacts => ({
  country: "IN",
  asn: 55836,
  network: net("203.0.113.7"),
  ...changes,
});

const anyRules: fc.Arbitrary<SurfaceRules> = fc.record({
  countries: fc.uniqueArray(fc.constantFrom("IN", "DE", "US", "NP"), { maxLength: 4 }),
  networks: fc.record({
    allow: fc.array(fc.constantFrom("203.0.113.0/24", "0.0.0.0/0", "::/0", "203.0.113.7"), { maxLength: 3 }),
    deny: fc.array(fc.constantFrom("203.0.113.0/25", "198.51.100.0/24", "2001:db8::/32"), { maxLength: 3 }),
  }),
  asns: fc.record({
    allow: fc.array(fc.constantFrom(55836, 1, 15169), { maxLength: 3 }),
    deny: fc.array(fc.constantFrom(55836, 2, 15169), { maxLength: 3 }),
  }),
});
const anyFacts: fc.Arbitrary<GeoFacts> = fc.record({
  country: fc.constantFrom("IN", "DE", "US", "FR"),
  asn: fc.constantFrom(55836, 15169, 7, null),
  network: fc.constantFrom("203.0.113.7", "203.0.113.200", "198.51.100.1", "2001:db8::1", "203.0.113.0/24").map(net),
});

describe("rules", () => {
  it("refuse Tor, the unknown, the missing and the malformed, whatever they allow", () => {
    const seen = fc.constantFrom("T1", "XX", "", "in", "IND", undefined, null, 91, ["IN"], { a: 1 });
    fc.assert(
      fc.property(anyRules, seen, (some, country) => {
        const open = { ...some, networks: { allow: ["0.0.0.0/0", "::/0"], deny: [] } };
        const read = readGeoFacts({ country, asn: 55836 }, net("203.0.113.7"));
        expect(read.country).toBeNull();
        expect(judgeSurface(open, read)).toEqual({ kind: "refused", why: "unknown_country" });
        expect(judgeGeo(plainGeoPolicy({ dashboard: open, api: open, devices: open }), "api", read, nowMs)).toBe(
          "refused",
        );
      }),
    );
  });

  it("let nobody in whom a list denies", () => {
    fc.assert(
      fc.property(anyRules, anyFacts, (some, from) => {
        const denied =
          some.networks.deny.some((one) => overlaps(net(one), from.network)) ||
          (from.asn !== null && some.asns.deny.includes(from.asn)) ||
          (from.asn === null && some.asns.deny.length > 0);
        const listed =
          some.countries.includes(from.country ?? "") ||
          (from.asn !== null && some.asns.allow.includes(from.asn)) ||
          some.networks.allow.some((one) => contains(net(one), from.network));
        expect(judgeSurface(some, from).kind).toBe(!denied && listed ? "admitted" : "refused");
      }),
      { numRuns: 2000 },
    );
  });

  it("count a network that is known only coarsely as denied when any of it is, as allowed when all of it is", () => {
    const coarse = facts({ country: "DE", network: net("203.0.113.0/24") });
    const deny = rules({ countries: ["DE"], networks: { allow: [], deny: ["203.0.113.7"] } });
    expect(judgeSurface(deny, coarse)).toEqual({ kind: "refused", why: "denied_network" });
    expect(judgeSurface(rules({ networks: { allow: ["203.0.113.7"], deny: [] } }), coarse).kind).toBe("refused");
    expect(judgeSurface(rules({ networks: { allow: ["203.0.112.0/23"], deny: [] } }), coarse).kind).toBe("admitted");
  });

  it("hold for one surface alone", () => {
    const policy = plainGeoPolicy({ dashboard: rules(), api: rules({ countries: ["DE"] }), devices: rules() });
    const german = facts({ country: "DE" });
    expect(["dashboard", "api", "devices"].map((one) => judgeGeo(policy, one as "api", german, nowMs))).toEqual([
      "refused",
      "admitted",
      "refused",
    ]);
  });
});

describe("a policy in time", () => {
  const base = plainGeoPolicy(onlyCountries(["IN"]));
  const german = facts({ country: "DE" });

  it("goes back to the confirmed rules at the moment that was said, without anybody doing anything", () => {
    const pending: GeoPolicy = {
      ...base,
      surfaces: onlyCountries(["DE"]),
      revert: { atMs: nowMs + 600_000, surfaces: base.surfaces },
    };
    expect(judgeGeo(pending, "api", german, nowMs + 599_999)).toBe("admitted");
    expect(judgeGeo(pending, "api", facts(), nowMs + 599_999)).toBe("refused");
    expect(judgeGeo(pending, "api", german, nowMs + 600_000)).toBe("refused");
    expect(judgeGeo(pending, "api", facts(), nowMs + 600_000)).toBe("admitted");
  });

  it("lets a traveller in until the day, as that person, from that country and to no device's surface", () => {
    const other = makeId("user", nowMs, new Uint8Array(10).fill(9));
    const policy: GeoPolicy = { ...base, exceptions: [{ user: userId, country: "DE", untilMs: nowMs + 1000 }] };
    expect(judgeGeo(policy, "dashboard", german, nowMs)).toBe("person_only");
    expect(judgeGeo(policy, "api", german, nowMs)).toBe("person_only");
    expect(judgeGeo(policy, "devices", german, nowMs)).toBe("refused");
    expect(judgeGeo(policy, "dashboard", facts({ country: "FR" }), nowMs)).toBe("refused");
    expect(judgeGeo(policy, "dashboard", german, nowMs + 1000)).toBe("refused");
    expect(mayTravel(policy, userId, "DE", nowMs + 999)).toBe(true);
    expect(mayTravel(policy, userId, "DE", nowMs + 1000)).toBe(false);
    expect(mayTravel(policy, userId, "FR", nowMs)).toBe(false);
    expect(mayTravel(policy, other, "DE", nowMs)).toBe(false);
    expect(mayTravel(policy, userId, null, nowMs)).toBe(false);
  });

  it("denies a traveller what it denies by name", () => {
    const denying = rules({ networks: { allow: [], deny: ["203.0.113.0/24"] } });
    const policy: GeoPolicy = {
      ...plainGeoPolicy({ dashboard: denying, api: denying, devices: denying }),
      exceptions: [{ user: userId, country: "DE", untilMs: nowMs + 1000 }],
    };
    expect(judgeGeo(policy, "dashboard", german, nowMs)).toBe("refused");
  });

  it("opens the dashboard, and it alone, to the country of a used code, past every list, for its time", () => {
    const shut = rules({ countries: [], networks: { allow: [], deny: ["0.0.0.0/0"] }, asns: { allow: [], deny: [1] } });
    const policy: GeoPolicy = {
      ...plainGeoPolicy({ dashboard: shut, api: shut, devices: shut }),
      opened: { country: "IN", untilMs: nowMs + 1000 },
    };
    expect(judgeGeo(policy, "dashboard", facts(), nowMs)).toBe("admitted");
    expect(judgeGeo(policy, "api", facts(), nowMs)).toBe("refused");
    expect(judgeGeo(policy, "dashboard", german, nowMs)).toBe("refused");
    expect(judgeGeo(policy, "dashboard", facts({ country: null }), nowMs)).toBe("refused");
    expect(judgeGeo(policy, "dashboard", facts(), nowMs + 1000)).toBe("refused");
  });
});

describe("a stored policy", () => {
  it("is itself again after KV", () => {
    const policy = orgPolicy({
      geo: {
        surfaces: { dashboard: rules({ asns: { allow: [1], deny: [2] } }), api: rules(), devices: rules() },
        revert: { atMs: nowMs, surfaces: onlyCountries(["DE"]) },
        exceptions: [{ user: userId, country: "DE", untilMs: nowMs }],
        opened: { country: "US", untilMs: nowMs },
      },
    });
    expect(parseOrgPolicy(JSON.parse(JSON.stringify(policy)))).toEqual(policy);
  });

  it("of the first version holds for every surface", () => {
    const { geo: _geo, ...rest } = orgPolicy();
    const first = { ...rest, version: 1, geoCountries: ["IN", "NP"] };
    expect(parseOrgPolicy(first)).toEqual(orgPolicy({ geo: plainGeoPolicy(onlyCountries(["IN", "NP"])) }));
    expect(parseOrgPolicy({ ...first, org: orgId, geoCountries: ["IN", 1] })).toBeNull();
  });

  const broken: [string, unknown][] = [
    ["nothing", null],
    ["a list", []],
    ["a surface is missing", { ...plainGeoPolicy(onlyCountries(["IN"])), surfaces: { api: rules() } }],
    [
      "a network is none",
      plainGeoPolicy({ ...onlyCountries(["IN"]), api: rules({ networks: { allow: ["x"], deny: [] } }) }),
    ],
    ["a number is none", plainGeoPolicy({ ...onlyCountries(["IN"]), api: rules({ asns: { allow: [0], deny: [] } }) })],
    [
      "a list is too long",
      plainGeoPolicy({
        ...onlyCountries(["IN"]),
        api: rules({ asns: { allow: [], deny: Array.from({ length: geoListMax + 1 }, (_, at) => at + 1) } }),
      }),
    ],
    ["a traveller is nobody", { ...plainGeoPolicy(onlyCountries([])), exceptions: [{ country: "IN", untilMs: 1 }] }],
    ["it has no end", { ...plainGeoPolicy(onlyCountries([])), opened: { country: "IN" } }],
    ["it goes back to nothing", { ...plainGeoPolicy(onlyCountries([])), revert: { atMs: 1 } }],
    ["it does not say whether it is pending", { surfaces: onlyCountries(["IN"]), exceptions: [], opened: null }],
  ];
  it.each(broken)("is none when it is or has: %s", (_what, json) => {
    expect(parseGeoPolicy(json)).toBeNull();
  });
});

describe("what the edge saw", () => {
  it("reads back as it was written, and as nothing when it is not ours", () => {
    const seen = { facts: facts(), ip: "203.0.113.7", surface: null, standings: { api: "person_only" } } as const;
    expect(readGeoSeen(writeGeoSeen(seen))).toEqual(seen);
    for (const text of [null, "", "{", "null", "[]", '{"ip":"x"}', `{"ip":"1.1.1.1","surface":"x","standings":{}}`])
      expect(readGeoSeen(text)).toBeNull();
    expect(readGeoSeen('{"ip":"1.1.1.1","surface":"api","standings":{"api":"yes"},"country":"T1"}')).toMatchObject({
      facts: { country: null, asn: null },
      standings: {},
    });
  });
});
