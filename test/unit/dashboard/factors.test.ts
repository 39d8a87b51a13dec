import { describe, expect, it } from "vitest";
import { qrPath } from "../../../workers/dashboard/src/components/qr-path.ts";
import { fileText } from "../../../workers/dashboard/src/components/recovery-codes-file.ts";
import { factorDemand } from "../../../workers/dashboard/src/factor-demand.ts";
import { dayOf, endOfDay, suggestedDay } from "../../../workers/dashboard/src/format/day.ts";
import { describeUserAgent, isHandheld } from "../../../workers/dashboard/src/format/user-agent.ts";
import { groupSecret } from "../../../workers/dashboard/src/pages/account/group-secret.ts";
import { keyState } from "../../../workers/dashboard/src/pages/api-keys/key-state.ts";

describe("what an organisation's policy puts before its pages", () => {
  const until = "2026-01-01T00:00:00Z";
  const at = Date.parse(until);
  const policy = { required: true, grace_until: until, satisfied: false };

  it("is nothing where it asks for nothing, and for a session that satisfies it", () => {
    expect(factorDemand({ ...policy, required: false }, [], at).kind).toBe("none");
    expect(factorDemand({ ...policy, satisfied: true }, ["totp"], at).kind).toBe("none");
  });

  it("is a date until the last moment of grace, and a wall from then on", () => {
    expect(factorDemand(policy, [], at - 1)).toEqual({ kind: "enrol_until", until });
    expect(factorDemand(policy, [], at).kind).toBe("enrol");
    expect(factorDemand({ ...policy, grace_until: null }, [], 0).kind).toBe("enrol");
  });

  it("asks who has a factor to show it, once the grace is over", () => {
    expect(factorDemand(policy, ["passkey"], at - 1).kind).toBe("none");
    expect(factorDemand(policy, ["passkey"], at).kind).toBe("prove");
  });

  it("takes recovery codes alone for no factor", () => {
    expect(factorDemand(policy, ["recovery_code"], at).kind).toBe("enrol");
  });

  it("is a wall at once where the date is none that can be read", () => {
    expect(factorDemand({ ...policy, grace_until: "soon" }, [], 0).kind).toBe("enrol");
  });
});

describe("a QR code", () => {
  it("draws exactly the dark modules of the code, inside its quiet zone", () => {
    const { size, path } = qrPath("otpauth://totp/Sentinel:a@b.test?secret=JBSWY3DPEHPK3PXP&issuer=Sentinel");
    const runs = [...path.matchAll(/M(\d+) (\d+)h(\d+)v1h-(\d+)z/g)].map(([, x, y, width, back]) => {
      expect(width).toBe(back);
      return { x: Number(x), y: Number(y), width: Number(width) };
    });
    expect(runs.map(({ x, y, width }) => `M${x} ${y}h${width}v1h-${width}z`).join("")).toBe(path);
    for (const { x, y, width } of runs) {
      expect(Math.min(x, y)).toBeGreaterThanOrEqual(4);
      expect(Math.max(x + width, y + 1)).toBeLessThanOrEqual(size - 4);
    }
    // The upper left finder pattern: seven modules across its top, one at each side below.
    expect(runs[0]).toEqual({ x: 4, y: 4, width: 7 });
    expect(runs.filter(({ y, x }) => y === 5 && x < 11).map(({ width }) => width)).toEqual([1, 1]);
  });
});

describe("secrets to carry by hand", () => {
  it("groups a key by four and loses nothing of it", () => {
    expect(groupSecret("JBSWY3DPEH")).toBe("JBSW Y3DP EH");
    expect(groupSecret("JBSWY3DPEH").replaceAll(" ", "")).toBe("JBSWY3DPEH");
    expect(groupSecret("")).toBe("");
  });

  it("writes every recovery code on a line of its own, with whose they are", () => {
    const text = fileText(["aaaa-bbbb", "cccc-dddd"], "asha@people.test", new Date("2026-03-01T12:00:00Z"));
    expect(text).toBe(
      "Sentinel recovery codes of asha@people.test\nMade on 2026-03-01. Each works once.\n\naaaa-bbbb\ncccc-dddd\n",
    );
  });
});

describe("the last day of grace", () => {
  it("is that day's last second here, and the same day when read back", () => {
    const end = endOfDay("2026-03-09");
    expect(dayOf(end)).toBe("2026-03-09");
    expect(new Date(end ?? "").getHours()).toBe(23);
  });

  it("is none for what is no day", () => {
    expect(endOfDay("")).toBeNull();
    expect(endOfDay("tomorrow")).toBeNull();
    expect(dayOf(null)).toBe("");
    expect(dayOf("soon")).toBe("");
  });

  it("is two weeks away until somebody says otherwise", () => {
    expect(suggestedDay(new Date(2026, 0, 1, 12).getTime())).toBe("2026-01-15");
  });
});

describe("a device by what it says of itself", () => {
  const linux = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)";
  it.each([
    [`${linux} Chrome/149.0.0.0 Safari/537.36`, "Chrome on Linux"],
    [`${linux} Chrome/149.0.0.0 Safari/537.36 Edg/149.0.0.0`, "Edge on Linux"],
    ["Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:150.0) Gecko/20100101 Firefox/150.0", "Firefox on Windows"],
    [
      "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile/15E148 Safari/604.1",
      "Safari on iPhone",
    ],
    ["curl/8.11.0", "curl"],
    ["", "Unknown device"],
  ])("%j is %s", (userAgent, text) => expect(describeUserAgent(userAgent)).toBe(text));

  it("tells what is carried along from what stands on a desk", () => {
    expect(isHandheld("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X)")).toBe(true);
    expect(isHandheld(linux)).toBe(false);
  });
});

describe("the state of an API key", () => {
  const key = { expires_at: "2026-03-01T00:00:00Z" };
  const end = Date.parse(key.expires_at);
  const day = 24 * 3600_000;

  it("is usable, soon over, over, or revoked whatever its end", () => {
    expect(keyState(key, end - 15 * day)).toBe("usable");
    expect(keyState(key, end - 14 * day)).toBe("expiring");
    expect(keyState(key, end)).toBe("expired");
    expect(keyState({ ...key, revoked_at: "2026-01-01T00:00:00Z" }, end - 15 * day)).toBe("revoked");
  });
});
