import { describe, expect, it } from "vitest";
import { parseOutsideAddress } from "../../../core/outside-address.ts";
import { parseLoopbackIssuers } from "../../../workers/studio/auth/outside/address.ts";

const none: ReadonlySet<string> = new Set();

describe("an address that somebody else chose", () => {
  it.each([
    "https://accounts.google.com",
    "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0",
    "https://abcdefgh.supabase.co/auth/v1",
    "https://idp.xn--bcher-kva.example/realms/school",
    "https://accounts.google.com:443/x",
  ])("%s may be called", (address) => expect(parseOutsideAddress(address, none)).not.toBeNull());

  it.each([
    "http://accounts.google.com",
    "ftp://accounts.google.com",
    "file:///etc/passwd",
    "https://accounts.google.com:8443",
    "https://user@accounts.google.com",
    "https://user:password@accounts.google.com",
    "https://accounts.google.com/#fragment",
    "https://localhost",
    "https://localhost.",
    "https://accounts.google.com.",
    "https://idp",
    "https://idp.localhost",
    "https://idp.local",
    "https://metadata.google.internal",
    "https://router.lan",
    "https://nas.home.arpa",
    "https://127.0.0.1",
    "https://127.1",
    "https://2130706433",
    "https://0x7f000001",
    "https://0177.0.0.1",
    "https://169.254.169.254/latest/meta-data",
    "https://10.0.0.1",
    "https://[::1]",
    "https://[::ffff:127.0.0.1]",
    "https://[fd00::1]",
    "https://１２７.０.０.１",
    "https://idp.１０",
    "https://a_b.example.com",
    "https://",
    "//accounts.google.com",
    "not an address",
    `https://idp.example.com/${"x".repeat(512)}`,
  ])("%s may not", (address) => expect(parseOutsideAddress(address, none)).toBeNull());

  it("is text", () => {
    for (const value of [null, undefined, 1, {}, ["https://accounts.google.com"]]) {
      expect(parseOutsideAddress(value, none)).toBeNull();
    }
  });
});

describe("LOOPBACK_ISSUERS", () => {
  it("lets exactly the listed origins through", () => {
    const loopback = parseLoopbackIssuers("http://localhost:9000, http://127.0.0.1:9001");
    expect(parseOutsideAddress("http://localhost:9000/jwks", loopback)).not.toBeNull();
    expect(parseOutsideAddress("http://localhost:9001", loopback)).toBeNull();
    expect(parseOutsideAddress("https://localhost:9000", loopback)).toBeNull();
    expect(parseOutsideAddress("http://user@localhost:9000", loopback)).toBeNull();
  });

  it("is empty by default", () => expect(parseLoopbackIssuers("")).toEqual(none));

  it.each([
    "http://10.0.0.1:80",
    "https://metadata.google.internal",
    "http://localhost:9000/",
    "http://localhost.evil.example",
    "*",
    "localhost",
  ])("can't be made to let %s through: the Worker stops", (text) =>
    expect(() => parseLoopbackIssuers(text)).toThrow("LOOPBACK_ISSUERS"),
  );
});
