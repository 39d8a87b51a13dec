import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type DeviceId, makeId, type OrgId } from "../../../core/ids.ts";
import {
  deviceTopicName,
  filterWithinRights,
  parseDeviceTopic,
  type ReadRights,
  topicWithinRights,
} from "../../../core/topics/sentinel-topic.ts";
import {
  matchesTopic,
  parseSubscription,
  parseTopicFilter,
  type TopicFilter,
} from "../../../core/topics/topic-filter.ts";
import { parseTopicName, type TopicName, topicBytesMax, topicLevelsMax } from "../../../core/topics/topic-name.ts";

const random = (seed: number) => new Uint8Array(10).fill(seed);
const org: OrgId = makeId("org", 1, random(1));
const otherOrg: OrgId = makeId("org", 1, random(2));
const device: DeviceId = makeId("device", 1, random(3));
const otherDevice: DeviceId = makeId("device", 1, random(4));

const filter = (text: string) => parseTopicFilter(text) as TopicFilter;
const name = (text: string) => parseTopicName(text) as TopicName;

/** Levels that an attacker would try. */
const level = fc.constantFrom(
  "sentinel",
  "devices",
  org,
  otherOrg,
  device,
  otherDevice,
  "status",
  "commands",
  "",
  ".",
  "..",
  "$share",
  "$SYS",
);
const names = fc.array(level, { minLength: 1, maxLength: 7 }).map((levels) => levels.join("/"));
const filters = fc
  .array(fc.oneof({ weight: 4, arbitrary: level }, { weight: 1, arbitrary: fc.constantFrom("+", "#") }), {
    minLength: 1,
    maxLength: 7,
  })
  .map((levels) => levels.join("/"));
/** A filter that begins inside a namespace, so that many are granted. */
const nearFilters = fc
  .tuple(fc.constantFrom(org, otherOrg, "+"), fc.constantFrom(device, otherDevice, "+", "#"), filters)
  .map(([orgLevel, deviceLevel, tail]) => ["sentinel", orgLevel, "devices", deviceLevel, tail].join("/"));
const nearNames = fc
  .tuple(fc.constantFrom(org, otherOrg), fc.constantFrom(device, otherDevice), names)
  .map(([orgLevel, deviceLevel, tail]) => ["sentinel", orgLevel, "devices", deviceLevel, tail].join("/"));

/** A name that a filter might match: its wildcards filled with an attacker's levels. */
const pairs = fc
  .tuple(fc.oneof(filters, nearFilters), fc.array(level, { minLength: 8, maxLength: 8 }))
  .map(([filterText, fill]): [string, string] => {
    const levels = filterText.split("/").flatMap((part, index) => {
      const filling = fill[index % fill.length] ?? "x";
      if (part === "#") return [filling, "tail"];
      return part === "+" ? [filling] : [part];
    });
    return [filterText, levels.join("/")];
  });
const anyPair = fc.oneof(pairs, fc.tuple(fc.oneof(filters, nearFilters), fc.oneof(names, nearNames)));

const rights = fc.constantFrom<ReadRights>(
  { kind: "none" },
  { kind: "tenant", org },
  { kind: "devices", org, devices: new Set([device]) },
  { kind: "devices", org, devices: new Set() },
);

/** Matching by the letter of section 4.7, as a regular expression: slow, obvious and independent of ours. */
function bruteForceMatches(pattern: string, text: string): boolean {
  if (text.startsWith("$") && /^[+#]/.test(pattern)) return false;
  const escaped = pattern
    .split("/")
    .map((part) => (part === "+" ? "[^/]*" : part === "#" ? "#" : part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")));
  const source = escaped.join("/").replace(/^#$/, ".*").replace(/\/#$/, "(?:/.*)?");
  return new RegExp(`^${source}$`, "s").test(text);
}

describe("matching", () => {
  it("agrees with section 4.7 read as a regular expression", () => {
    fc.assert(
      fc.property(anyPair, ([filterText, nameText]) => {
        const parsedFilter = parseTopicFilter(filterText);
        const parsedName = parseTopicName(nameText);
        fc.pre(parsedFilter !== null && parsedName !== null);
        if (parsedFilter === null || parsedName === null) return;
        expect(matchesTopic(parsedFilter, parsedName)).toBe(bruteForceMatches(filterText, nameText));
      }),
      { numRuns: 5000 },
    );
  });

  it.each([
    ["sport/tennis/player1/#", "sport/tennis/player1", true],
    ["sport/+", "sport", false],
    ["sport/+", "sport/", true],
    ["+/+", "/finance", true],
    ["/+", "/finance", true],
    ["+", "/finance", false],
    ["#", "$SYS/x", false],
    ["+/monitor", "$SYS/monitor", false],
    ["$SYS/#", "$SYS/x", true],
  ])("%s against %s is %s", (pattern, text, expected) => {
    expect(matchesTopic(filter(pattern), name(text))).toBe(expected);
  });

  it.each(["", "a/#/b", "a#", "a+/b", "a/b#", "a\0", "\ud800"])("refuses the filter %j", (text) => {
    expect(parseTopicFilter(text)).toBeNull();
  });

  it.each(["", "a/+", "#", "a\0b"])("refuses the name %j", (text) => {
    expect(parseTopicName(text)).toBeNull();
  });

  it("bounds names and filters by their UTF-8 bytes [MQTT-4.7.3-3] and their levels, to the last one", () => {
    const halves = "é".repeat((topicBytesMax - 1) / 2);
    const levels = "/".repeat(topicLevelsMax - 1);
    for (const parse of [parseTopicName, parseTopicFilter]) {
      for (const text of ["a".repeat(topicBytesMax), `a${halves}`, levels]) expect(parse(text)).toBe(text);
      for (const text of ["a".repeat(topicBytesMax + 1), `aa${halves}`, `${levels}/`]) expect(parse(text)).toBeNull();
    }
  });

  it.each(["/", "//", "a/", "/a", "a//b", " ", "a/\ufeff"])(
    "takes the name and filter %j as it is (section 4.7.3)",
    (text) => {
      expect(parseTopicName(text)).toBe(text);
      expect(parseTopicFilter(text)).toBe(text);
    },
  );

  it.each(["$share", "$share/", "$share/g", "$share//a", "$share/g/", "$share/+/a", "$share/g#/a", "$share/g/a#"])(
    "refuses the shared subscription %j",
    (text) => {
      expect(parseSubscription(text)).toBeNull();
    },
  );

  it("takes the group off a shared subscription", () => {
    expect(parseSubscription("$share/g/a/#")).toEqual({ share: "g", filter: "a/#" });
    expect(parseSubscription("$shared/g")).toEqual({ share: null, filter: "$shared/g" });
  });
});

describe("rights", () => {
  it("grants no filter that matches a topic outside them", () => {
    let granted = 0;
    let matched = 0;
    fc.assert(
      fc.property(anyPair, rights, ([filterText, nameText], held) => {
        const parsedFilter = parseTopicFilter(filterText);
        const parsedName = parseTopicName(nameText);
        if (parsedFilter === null || parsedName === null || !filterWithinRights(parsedFilter, held)) return;
        granted += 1;
        if (!bruteForceMatches(filterText, nameText)) return;
        const topic = parseDeviceTopic(parsedName);
        // What no device topic is, nobody can publish; what is one must lie inside.
        if (topic === null) return;
        matched += 1;
        expect(topicWithinRights(topic, held)).toBe(true);
      }),
      { numRuns: 20_000 },
    );
    expect(granted).toBeGreaterThan(100);
    expect(matched).toBeGreaterThan(20);
  });

  const own: ReadRights = { kind: "devices", org, devices: new Set([device]) };
  it.each([
    "#",
    "+/#",
    "sentinel/#",
    `sentinel/${org}/#`,
    `sentinel/${org}/devices/#`,
    `sentinel/${org}/devices/+/status`,
    `sentinel/${org}/devices/${otherDevice}/status`,
    `sentinel/${otherOrg}/devices/${device}/status`,
    `sentinel/${org}/devices/${device}`,
    `sentinel/${org}/devices/${device}/../${otherDevice}/status`,
    `sentinel/${org}/devices/${device}/./status`,
    `sentinel/${org}/+/${device}/status`,
    `sentinel/${org}/devices/${device}x/status`,
    `sentinel/${org}/devices/${device.slice(0, -1)}/#`,
    `sentinel/${org}/devices//${device}/status`,
    `$SYS/#`,
  ])("refuses %s to a device", (text) => {
    expect(filterWithinRights(filter(text), own)).toBe(false);
  });

  it.each([`sentinel/${org}/devices/${device}/#`, `sentinel/${org}/devices/${device}/+/x`])(
    "grants %s to its device",
    (text) => {
      expect(filterWithinRights(filter(text), own)).toBe(true);
    },
  );

  it("keeps a tenant's reader inside the tenant", () => {
    const tenant: ReadRights = { kind: "tenant", org };
    expect(filterWithinRights(filter(`sentinel/${org}/devices/+/status`), tenant)).toBe(true);
    for (const text of ["#", "sentinel/#", "sentinel/+/devices/#", `sentinel/${otherOrg}/#`, "+/+/#"])
      expect(filterWithinRights(filter(text), tenant)).toBe(false);
  });
});

describe("a device's topic", () => {
  it("survives being built and parsed", () => {
    expect(parseDeviceTopic(deviceTopicName(org, device, "replies", "x"))).toEqual({
      org,
      device,
      rest: ["replies", "x"],
    });
  });

  it("may have empty levels, which are levels like others", () => {
    for (const rest of [[""], ["a", "", "b"], ["", ""], ["..."]])
      expect(parseDeviceTopic(deviceTopicName(org, device, ...rest))).toEqual({ org, device, rest });
  });

  it.each([
    `sentinel/${org}/devices/${device}`,
    `sentinel/${org}/devices/${device}/.`,
    `sentinel/${org}/devices/${device}/a/..`,
    `sentinel/${org}/devices/${device}/../${otherDevice}/status`,
    `sentinel/${org}/devices/${device}x/status`,
    `sentinel/${org}/devices//status`,
    `sentinel//devices/${device}/status`,
    `sentinel/${org}/devices/${device.toUpperCase()}/status`,
    `/sentinel/${org}/devices/${device}/status`,
    `sentinel/${org}/users/${device}/status`,
  ])("is not %s", (text) => {
    expect(parseDeviceTopic(name(text))).toBeNull();
  });
});
