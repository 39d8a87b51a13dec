import { describe, expect, it } from "vitest";
import { formatMetric, metricLabel } from "../../../workers/dashboard/src/format/metrics.ts";
import {
  formatBytes,
  formatDuration,
  formatMilliseconds,
  formatPercent,
} from "../../../workers/dashboard/src/format/numbers.ts";
import { formatInstant, formatRelative } from "../../../workers/dashboard/src/format/time.ts";

describe("numbers as people read them", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.00 KB"],
    [999_499, "999 KB"],
    [999_500, "1.00 MB"],
    [6_420_000_000, "6.42 GB"],
    [-2_000_000, "−2.00 MB"],
    [5e18, "5000 PB"],
  ])("%d bytes are %s", (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it.each([
    [0, "0.0%"],
    [12.34, "12.3%"],
    [99.94, "99.9%"],
    [99.96, "100%"],
    [250, "250%"],
  ])("%d percent are %s", (value, text) => expect(formatPercent(value)).toBe(text));

  it.each([
    [0, "0 s"],
    [59.9, "59 s"],
    [60, "1 min"],
    [3_725, "1 h 2 min"],
    [273_600, "3 d 4 h"],
    [86_400, "1 d"],
    [86_405, "1 d"],
  ])("%d seconds are %s", (seconds, text) => expect(formatDuration(seconds)).toBe(text));

  it("turns to seconds when a round trip takes one", () => {
    expect(formatMilliseconds(41.6)).toBe("42 ms");
    expect(formatMilliseconds(1_234)).toBe("1.23 s");
  });
});

describe("metrics this page has never heard of", () => {
  it("takes the unit from the end of the name", () => {
    expect(formatMetric("gpu_temperature_celsius", 61.5)).toBe("61.5 °C");
    expect(formatMetric("swap_used_bytes", 2_000_000_000)).toBe("2.00 GB");
    expect(formatMetric("disk_read_bytes_per_second", 1_500)).toBe("1.50 KB/s");
    expect(formatMetric("fan_speed", 2140)).toBe("2,140");
  });

  it("reads the name as words, without the unit", () => {
    expect(metricLabel("cpu_percent")).toBe("CPU");
    expect(metricLabel("network_rx_bytes_per_second")).toBe("Network received");
    expect(metricLabel("fan_speed")).toBe("Fan speed");
  });
});

describe("times", () => {
  it("shows UTC beside the local time", () => {
    expect(formatInstant("2026-03-04T05:06:07.890Z")?.utc).toBe("2026-03-04 05:06:07 UTC");
    expect(formatInstant("yesterday")).toBeNull();
  });

  it.each([
    [4_999, "just now"],
    [59_999, "59 s ago"],
    [3_599_000, "59 min ago"],
    [7_200_000, "2 h ago"],
    [86_400_000, "1 day ago"],
    [-7_200_000, "in 2 h"],
  ])("%d ms are %s", (ms, text) => expect(formatRelative(1e12 - ms, 1e12)).toBe(text));
});
