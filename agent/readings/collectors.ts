/**
 * What the agent reads, and why: each collector states its purpose, and docs/agent.md repeats the
 * list (a test compares them). Schools watch children only for education and safety, so there is
 * nothing about what people do: no processes, no users, no files, no browsing, no location.
 */
import os from "node:os";
import si from "systeminformation";
import { chooseFilesystem } from "./filesystem.ts";

export type Metrics = Readonly<Record<string, number>>;

export interface Collector {
  readonly name: string;
  readonly purpose: string;
  /** May fail, hang, or give values that are no numbers: the sampler leaves those out. */
  read(): Promise<Readonly<Record<string, number | null | undefined>>>;
}

export const collectors: readonly Collector[] = [
  {
    name: "cpu",
    purpose: "sees a device too slow to learn on, or stuck at full load",
    read: async () => ({ cpu_percent: (await si.currentLoad()).currentLoad }),
  },
  {
    name: "memory",
    purpose: "sees a device that runs out of memory in class",
    read: async () => {
      const { active, total } = await si.mem();
      return { memory_used_bytes: active, memory_total_bytes: total, memory_percent: (active / total) * 100 };
    },
  },
  {
    name: "disk",
    purpose: "warns before the system disk is full and updates stop",
    read: async () => {
      const all = await si.fsSize();
      const disk = chooseFilesystem(
        all.map(({ type, mount, size, used, use }) => ({
          type,
          mount,
          sizeBytes: size,
          usedBytes: used,
          usedPercent: use,
        })),
      );
      if (disk === null) return {};
      return { disk_used_bytes: disk.usedBytes, disk_total_bytes: disk.sizeBytes, disk_percent: disk.usedPercent };
    },
  },
  {
    name: "network",
    purpose: "tells a slow device from a slow network; counts bytes only, never addresses or names",
    read: async () => {
      // The default interface: others (containers, tunnels) would count the same bytes twice.
      const [stats] = await si.networkStats();
      return { network_rx_bytes_per_second: stats?.rx_sec, network_tx_bytes_per_second: stats?.tx_sec };
    },
  },
  {
    name: "battery",
    purpose: "finds devices that come to class empty and batteries that need replacing",
    read: async () => {
      const { hasBattery, percent } = await si.battery();
      return hasBattery ? { battery_percent: percent } : {};
    },
  },
  {
    name: "uptime",
    purpose: "shows restarts and devices that wait for one to finish updating",
    read: async () => ({ uptime_seconds: os.uptime() }),
  },
  {
    name: "load",
    purpose: "tells a short burst of work from lasting overload",
    read: async () => {
      // Windows has no load average; Node gives zeros there.
      if (process.platform === "win32") return {};
      const [load1m, load5m, load15m] = os.loadavg();
      return { load_1m: load1m, load_5m: load5m, load_15m: load15m };
    },
  },
];
