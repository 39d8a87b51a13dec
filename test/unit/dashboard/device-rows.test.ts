import { describe, expect, it } from "vitest";
import type { Device } from "../../../workers/dashboard/src/api/schemas.ts";
import { filterDevices, withPresence } from "../../../workers/dashboard/src/pages/devices/device-rows.ts";

const device = (id: string, over: Partial<Device> = {}): Device => ({
  id,
  name: id,
  platform: "linux x64",
  enrolled_at: "2026-01-01T00:00:00Z",
  last_seen_at: "2026-01-02T00:00:00Z",
  online: false,
  groups: [],
  ...over,
});

describe("the device list", () => {
  it("believes what is heard over what was read", () => {
    const at = "2026-01-03T00:00:00Z";
    const [first, second] = withPresence([device("a"), device("b")], new Map([["a", { online: true, at }]]));
    expect(first).toMatchObject({ online: true, last_seen_at: at });
    expect(second).toMatchObject({ online: false });
  });

  it("does not turn last-seen back for an old retained status", () => {
    const [row] = withPresence([device("a")], new Map([["a", { online: false, at: "2026-01-01T12:00:00Z" }]]));
    expect(row?.last_seen_at).toBe("2026-01-02T00:00:00Z");
  });

  it("finds every word in any of name, platform and id", () => {
    const devices = [device("dev_1", { name: "Physics lab" }), device("dev_2", { platform: "windows" })];
    expect(filterDevices(devices, " LAB  linux ", "all").map(({ id }) => id)).toEqual(["dev_1"]);
    expect(filterDevices(devices, "dev_2", "all").map(({ id }) => id)).toEqual(["dev_2"]);
    expect(filterDevices(devices, "lab windows", "all")).toEqual([]);
  });

  it("filters by presence", () => {
    const devices = [device("a", { online: true }), device("b")];
    expect(filterDevices(devices, "", "online").map(({ id }) => id)).toEqual(["a"]);
    expect(filterDevices(devices, "", "offline").map(({ id }) => id)).toEqual(["b"]);
  });
});
