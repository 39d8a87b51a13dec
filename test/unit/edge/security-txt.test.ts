import { describe, expect, it } from "vitest";
import { parseSecurityContact, securityTxt } from "../../../workers/edge/security-txt.ts";

const address = "https://s.example/.well-known/security.txt";
const contact = parseSecurityContact("mailto:security@s.example tel:+91-11-5550100", "2027-06-30T00:00:00Z");
const until = Date.UTC(2027, 5, 30);

describe("security.txt", () => {
  it("has what RFC 9116 asks for, one field a line", () => {
    expect(securityTxt(contact, address, until - 1)).toBe(
      [
        "Contact: mailto:security@s.example",
        "Contact: tel:+91-11-5550100",
        "Expires: 2027-06-30T00:00:00.000Z",
        "Preferred-Languages: en",
        `Canonical: ${address}`,
        "",
      ].join("\n"),
    );
  });

  it("is not shown from the moment it expires, nor when nobody is named", () => {
    expect(securityTxt(contact, address, until)).toBeNull();
    expect(parseSecurityContact("", "")).toBeNull();
    expect(parseSecurityContact(undefined, undefined)).toBeNull();
    expect(securityTxt(null, address, 0)).toBeNull();
  });

  it.each([
    ["no time", "mailto:a@b.example", ""],
    ["a time that is none", "mailto:a@b.example", "2027-13-45T00:00:00Z"],
    ["a day without a time", "mailto:a@b.example", "2027-06-30"],
    ["nobody", "", "2027-06-30T00:00:00Z"],
    ["a bare address", "a@b.example", "2027-06-30T00:00:00Z"],
    ["the web without TLS", "http://b.example", "2027-06-30T00:00:00Z"],
    ["a further line", "mailto:a@b.example\nContact:evil", "2027-06-30T00:00:00Z"],
  ])("stops the Worker when it is configured with %s", (_what, who, when) => {
    expect(() => parseSecurityContact(who, when)).toThrow(RangeError);
  });
});
