import { describe, expect, it } from "vitest";
import { problemBody } from "../../../core/problem.ts";
import { ApiProblem, parseProblem } from "../../../workers/dashboard/src/api/problem.ts";
import { challengeOf, linkOfferOf, throttledSeconds } from "../../../workers/dashboard/src/api/sign-in.ts";
import { passkeyProblem } from "../../../workers/dashboard/src/api/webauthn.ts";
import { cleanCode } from "../../../workers/dashboard/src/components/clean-code.ts";
import { waysOf, waysOfFactors } from "../../../workers/dashboard/src/components/step-up-ways.ts";
import { formatDuration, secondsLeft } from "../../../workers/dashboard/src/format/countdown.ts";
import { resetWays } from "../../../workers/dashboard/src/pages/reset-password/reset-ways.ts";
import { readReturn, wasCancelled } from "../../../workers/dashboard/src/pages/sign-in-callback/read-return.ts";

const problem = (code: Parameters<typeof problemBody>[0], extensions: object, retryAfter: string | null = null) =>
  new ApiProblem(parseProblem({ ...problemBody(code, "req_1"), ...extensions }, 401, { requestId: null, retryAfter }));

describe("the second step of a sign-in", () => {
  it("reads the challenge and the factors it knows, whatever else the server names", () => {
    const factors = ["recovery_code", "totp", "carrier_pigeon"];
    expect(challengeOf(problem("mfa_required", { challenge: "c1", factors }))).toEqual({
      challenge: "c1",
      factors: ["totp", "recovery_code"],
    });
  });

  it("takes no other refusal for one, nor one without a challenge", () => {
    expect(challengeOf(problem("invalid_credentials", { challenge: "c1", factors: ["totp"] }))).toBeNull();
    expect(challengeOf(problem("mfa_required", { factors: ["totp"] }))).toBeNull();
    expect(challengeOf(new Error("no answer"))).toBeNull();
    expect(challengeOf(null)).toBeNull();
  });

  it("takes a code as people paste it", () => {
    expect(cleanCode(" 123 456 ")).toBe("123456");
    expect(cleanCode("123-456")).toBe("123456");
  });
});

describe("too many failed attempts", () => {
  it("counts down what the server asked for, and a minute where it said nothing", () => {
    expect(throttledSeconds(problem("throttled", {}, "90").fields)).toBe(90);
    expect(throttledSeconds(problem("throttled", {}).fields)).toBe(60);
    expect(throttledSeconds(problem("rate_limited", {}, "90").fields)).toBeNull();
  });

  it("reaches zero only when the wait is over", () => {
    expect(secondsLeft(10_000, 9_001)).toBe(1);
    expect(secondsLeft(10_000, 10_000)).toBe(0);
    expect(secondsLeft(10_000, 99_000)).toBe(0);
  });

  it.each([
    [0, "0 s"],
    [59, "59 s"],
    [125, "2 min 05 s"],
    [3600, "1 h 00 min"],
  ])("says %i seconds as %s", (seconds, text) => expect(formatDuration(seconds)).toBe(text));
});

describe("what a step-up may be proven with", () => {
  const security = { password: true, totp: null, passkeys: 0, recovery_codes: { remaining: 0 }, mfa: false };
  const none = { password: false, totp: false, passkey: false, recoveryCode: false };

  it("is the password of who has nothing else, and of nobody else", () => {
    expect(waysOf(security, true)).toEqual({ ...none, password: true });
    expect(waysOf({ ...security, totp: { created_at: "" } }, true)).toEqual({ ...none, totp: true });
    expect(waysOf({ ...security, passkeys: 1, recovery_codes: { remaining: 3 } }, true)).toEqual({
      ...none,
      passkey: true,
      recoveryCode: true,
    });
  });

  it("is told by the names of the factors alone where the account itself is out of sight", () => {
    expect(waysOfFactors([], true)).toEqual({ ...none, password: true });
    expect(waysOfFactors(["recovery_code"], true)).toEqual({ ...none, password: true });
    expect(waysOfFactors(["passkey", "recovery_code"], false)).toEqual({ ...none, recoveryCode: true });
    expect(waysOfFactors(["totp", "passkey"], true)).toEqual({ ...none, totp: true, passkey: true });
  });

  it("is no passkey where the browser knows none", () => {
    expect(waysOf({ ...security, passkeys: 1, recovery_codes: { remaining: 1 } }, false)).toEqual({
      ...none,
      recoveryCode: true,
    });
  });

  it("goes along with a reset link as far as it can be typed", () => {
    expect(resetWays(problem("mfa_required", {}).fields)).toEqual({ ...none, totp: true, recoveryCode: true });
    expect(resetWays(problem("mfa_required", { factors: ["passkey", "recovery_code"] }).fields)).toEqual({
      ...none,
      recoveryCode: true,
    });
  });
});

describe("coming back from an identity provider", () => {
  it("takes code, state and issuer, and nothing else", () => {
    expect(readReturn("?code=4%2F0Ab&state=s1&iss=https%3A%2F%2Fid.test&scope=openid&error_description=x")).toEqual({
      kind: "returned",
      returned: { code: "4/0Ab", state: "s1", iss: "https://id.test" },
    });
  });

  it("brings a refusal back as well, without the words that came with it", () => {
    const read = readReturn("?error=access_denied&state=s1&error_description=Call+555-0100+now");
    expect(read).toEqual({ kind: "returned", returned: { error: "access_denied", state: "s1" } });
    expect(JSON.stringify(read)).not.toContain("555");
    expect(read.kind === "returned" && wasCancelled(read.returned)).toBe(true);
  });

  it.each(["", "?code=c", "?state=s", "?code=&state=s", "?code=c&error=e&state=s"])(
    "has nothing to go on with at %j",
    (search) => expect(readReturn(search)).toEqual({ kind: "incomplete" }),
  );

  it("offers to link only what the server offered whole", () => {
    const offer = { challenge: "c1", provider_name: "Example", email: "a@people.test" };
    expect(linkOfferOf(problem("link_required", offer))).toEqual({
      challenge: "c1",
      providerName: "Example",
      email: "a@people.test",
    });
    expect(linkOfferOf(problem("link_required", { ...offer, challenge: undefined }))).toBeNull();
    expect(linkOfferOf(problem("conflict", offer))).toBeNull();
  });
});

describe("a passkey that did not come", () => {
  it("is told as the browser names it, never in the browser's own words", () => {
    const named = (name: string) => passkeyProblem(Object.assign(new Error("secret detail"), { name }), "No passkey");
    expect(named("NotAllowedError").detail).toMatch(/cancelled/);
    expect(named("InvalidStateError").detail).toMatch(/already/);
    expect(named("WeirdError").detail).toMatch(/another way/);
    expect(JSON.stringify(["NotAllowedError", "WeirdError"].map(named))).not.toContain("secret detail");
  });
});
