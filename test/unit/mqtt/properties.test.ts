import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodePacket } from "../../../core/mqtt/decode.ts";
import type { Properties } from "../../../core/mqtt/properties.ts";
import { decodeProperties, encodeProperties } from "../../../core/mqtt/property-codec.ts";
import { anyProperties } from "./arbitraries.ts";
import { besides, type PropertySample, propertyBearers, type TestBearer, testProperties } from "./property-samples.ts";
import { hex, toHex, under } from "./support.ts";

const bearerNames = Object.keys(propertyBearers) as TestBearer[];

function take(bearer: TestBearer, block: string) {
  const { level, sender, wrap } = propertyBearers[bearer];
  return decodePacket(hex(wrap(block)), under(level, sender));
}

function propertiesOf(bearer: TestBearer, block: string): Properties | null {
  const result = take(bearer, block);
  if (result.kind !== "packet") throw new Error(JSON.stringify(result));
  const { packet } = result;
  if (bearer === "will" && packet.type === "connect") return packet.will?.properties ?? null;
  return "properties" in packet ? packet.properties : null;
}

const pairs = testProperties.flatMap((property) => bearerNames.map((bearer) => ({ property, bearer })));
const may = pairs.filter(({ property, bearer }) => property.bearers.includes(bearer));
const mayNot = pairs.filter(({ property, bearer }) => !property.bearers.includes(bearer));
const title = ({ property, bearer }: { property: PropertySample; bearer: TestBearer }) =>
  [`${property.name} in ${bearer}`, property, bearer] as const;

describe("table 2-4 of 5.0", () => {
  it("is tested whole", () => {
    expect(testProperties.length).toBe(27);
    expect(may.length + mayNot.length).toBe(27 * 14);
  });

  it.each(may.map(title))("allows %s", (_title, property, bearer) => {
    const block = `${property.bytes} ${besides(property, bearer)}`;
    expect(propertiesOf(bearer, block)).toMatchObject(property.value);
  });

  it.each(mayNot.map(title))("refuses %s (2.2.2.2)", (_title, property, bearer) => {
    const own = property.name.startsWith("0b") && bearer === "publish";
    expect(take(bearer, property.bytes)).toMatchObject({
      kind: "refused",
      refusal: own
        ? { kind: "subscription_identifier_from_client", reasonCode: 0x82 }
        : bearer === "subscribe" || bearer === "unsubscribe"
          ? { kind: "request_property_misplaced", reasonCode: 0x81 }
          : { kind: "property_misplaced", reasonCode: 0x82 },
    });
  });

  const twice = may.filter(({ property }) => !property.name.startsWith("26"));
  it.each(twice.map(title))("refuses %s twice", (_title, property, bearer) => {
    const clause = propertyBearers[bearer].section;
    expect(take(bearer, `${besides(property, bearer)} ${property.bytes} ${property.bytes}`)).toMatchObject({
      kind: "refused",
      refusal: { kind: "property_duplicate", clause, reasonCode: 0x82 },
    });
  });

  it.each(bearerNames)("allows user properties again and again in %s, in their order (2.2.2.2)", (bearer) => {
    const block = `26 0001 62 0001 31 ${bearer === "auth" ? "15 0001 6d" : ""} 26 0001 61 0001 32 26 0001 62 0001 33`;
    expect(propertiesOf(bearer, block)).toMatchObject({
      userProperties: [
        ["b", "1"],
        ["a", "2"],
        ["b", "3"],
      ],
    });
  });

  it("allows several subscription identifiers in a server's PUBLISH (3.3.2.3.8)", () => {
    const bytes = hex(propertyBearers.publish.wrap("0b 01 0b c102"));
    expect(decodePacket(bytes, under(5, "server"))).toMatchObject({
      packet: { properties: { subscriptionIdentifiers: [1, 321] } },
    });
  });

  it("makes nothing of an empty block", () => {
    for (const bearer of bearerNames) expect(propertiesOf(bearer, "")).toBeNull();
  });
});

describe("stored properties", () => {
  it("are read back as they were", () => {
    fc.assert(
      fc.property(anyProperties, (properties) => {
        expect(decodeProperties(encodeProperties(properties))).toEqual(properties);
      }),
    );
  });
  it("are bare: no length in front", () => {
    expect(toHex(encodeProperties({ topicAlias: 1, contentType: "a" }))).toBe("23000103000161");
    expect(encodeProperties({}).length).toBe(0);
  });
  it("say so when they are damaged", () => {
    for (const bytes of ["23 00", "23 0000", "03 0001 ff", "01 01 01 01", "7f"])
      expect(() => decodeProperties(hex(bytes))).toThrow(RangeError);
  });
  it("are never what 5.0 doesn't allow", () => {
    expect(() => encodeProperties({ topicAlias: 0 })).toThrow(RangeError);
    expect(() => encodeProperties({ reasonString: "a\0" })).toThrow(RangeError);
    expect(() => encodeProperties({ subscriptionIdentifiers: [268_435_456] })).toThrow(RangeError);
    expect(() => encodeProperties({ correlationData: new Uint8Array(65_536) })).toThrow(RangeError);
    expect(() => encodeProperties({ nonsense: 1 } as Properties)).toThrow(RangeError);
  });
});
