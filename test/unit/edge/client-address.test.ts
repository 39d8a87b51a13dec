import { describe, expect, it } from "vitest";
import { clientAddress } from "../../../workers/edge/client-address.ts";

const keyOf = (ip: string): string | undefined => clientAddress(new Headers({ "CF-Connecting-IP": ip }))?.key;

describe("the client's address", () => {
  it.each([
    ["203.0.113.7", "203.0.113.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8:1:2::1", "2001:db8:1:2::/64"],
    ["2001:DB8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"],
    ["::1", "0:0:0:0::/64"],
    ["::ffff:203.0.113.7", "203.0.113.7"],
    ["::ffff:cb00:7107", "203.0.113.7"],
  ])("counts %s as %s", (ip, key) => {
    expect(keyOf(ip)).toBe(key);
  });

  it("counts a whole /64 as one and the next as another", () => {
    expect(keyOf("2001:db8::1")).toBe(keyOf("2001:db8::ffff"));
    expect(keyOf("2001:db8:0:1::1")).not.toBe(keyOf("2001:db8:0:2::1"));
  });

  it.each([
    "",
    "unknown",
    "1.2.3",
    "1.2.3.256",
    "01.2.3.4",
    "1.2.3.4, 5.6.7.8",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "g::1",
    "::1%eth0",
  ])("refuses %j", (ip) => {
    expect(clientAddress(new Headers({ "CF-Connecting-IP": ip }))).toBeNull();
  });

  it("never reads what a client can write itself", () => {
    const spoofed = new Headers({
      "X-Forwarded-For": "198.51.100.1",
      "True-Client-IP": "198.51.100.2",
      "X-Real-IP": "198.51.100.3",
      Forwarded: "for=198.51.100.4",
    });
    expect(clientAddress(spoofed)?.ip).toBe("127.0.0.1");
    spoofed.set("CF-Connecting-IP", "203.0.113.7");
    expect(clientAddress(spoofed)?.ip).toBe("203.0.113.7");
  });
});
