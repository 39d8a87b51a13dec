import { describe, expect, it } from "vitest";
import { needsFactor, objectionTo, passwordLength } from "../../../workers/studio/auth/password-policy.ts";

const anna = {
  email: "anna.rao@greenfield.test",
  name: "Anna Rao",
  organisations: ["Greenfield School", "greenfield"],
};
const alone = (password: string) => objectionTo(password, anna, false);
const withFactor = (password: string) => objectionTo(password, anna, true);

describe("a new password", () => {
  it("has 15 characters alone and 8 beside a second factor, which it then needs", () => {
    expect([alone("k3v9qz7w2m5x8j"), alone("k3v9qz7w2m5x8jn")]).toEqual(["too_short", null]);
    expect([withFactor("k3v9qz7"), withFactor("k3v9qz7w")]).toEqual(["too_short", null]);
    expect([needsFactor("k3v9qz7w2m5x8j"), needsFactor("k3v9qz7w2m5x8jn")]).toEqual([true, false]);
  });

  it("has up to 128 characters, whichever they are", () => {
    for (const character of ["x", "👩", "अ", " "]) {
      expect(alone(character.repeat(128))).toBeNull();
      expect(alone(character.repeat(129))).toBe("too_long");
    }
  });

  it("is counted in characters of one normal form, not in bytes or code units", () => {
    expect(passwordLength("👩".repeat(15))).toBe(15);
    expect(passwordLength("e\u0301")).toBe(1);
    expect(alone("👩".repeat(14))).toBe("too_short");
  });

  it("needs no digit, no sign and no capital", () => {
    expect(alone("lanterns over quiet water")).toBeNull();
  });

  it.each([
    "anna.rao@greenfield.test",
    "ANNA.RAO@GREENFIELD.TEST",
    "annarao annarao annarao",
    "Ánna-Ráo-2024-2024",
    "GreenfieldSchool2024",
    "greenfield/anna/rao",
    "sentinelsentinel1",
    "anna_rao_sentinel_9",
  ])("is not made of what is known of the person: %s", (password) => {
    expect(alone(password)).toBe("personal");
  });

  it.each(["anna likes seven purple lanterns", "greenfield k3v9qz7w2m5"])(
    "may say a word of it when enough is left: %s",
    (password) => {
      expect(alone(password)).toBeNull();
    },
  );

  it("may hold a short name that is part of other words", () => {
    expect(objectionTo("little lilac lilies", { email: "li@ab.cd", name: "Li", organisations: [] }, false)).toBeNull();
  });
});
