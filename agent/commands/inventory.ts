/**
 * What the device is made of. Left out on purpose, because managing a device needs none of it:
 * serial numbers, host and user names, mount points, MAC and IP addresses, installed software.
 */
import os from "node:os";
import si from "systeminformation";
import { agentVersion } from "../version.ts";

/** Entries of one list: a reply stays far below one MQTT packet. */
const listMax = 32;
/** One part that hangs must not take the others with it. */
const partMsMax = 8_000;

type Part = Readonly<Record<string, unknown>> | readonly Readonly<Record<string, unknown>>[] | null;

export async function readInventory(): Promise<Readonly<Record<string, unknown>>> {
  const parts: Readonly<Record<string, () => Promise<Part>>> = {
    os: readOs,
    cpu: readCpu,
    memory: async () => ({ total_bytes: os.totalmem() }),
    disks: readDisks,
    network_interfaces: readInterfaces,
    battery: readBattery,
  };
  const read = Object.entries(parts).map(async ([name, part]) => [name, await inTime(part)] as const);
  return { agent_version: agentVersion, ...Object.fromEntries(await Promise.all(read)) };
}

/** Null when it fails or takes too long: said rather than guessed. */
async function inTime(part: () => Promise<Part>): Promise<Part> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), partMsMax);
  });
  try {
    return await Promise.race([part(), late]);
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}

async function readOs(): Promise<Part> {
  const { platform, distro, release, kernel, arch } = await si.osInfo();
  return { platform, distro, release, kernel, arch };
}

async function readCpu(): Promise<Part> {
  const { manufacturer, brand, cores, physicalCores, speed } = await si.cpu();
  return { manufacturer, brand, cores, physical_cores: physicalCores, speed_ghz: speed };
}

async function readDisks(): Promise<Part> {
  const disks = await si.diskLayout();
  return disks.slice(0, listMax).map(({ type, name, size }) => ({ type, name, size_bytes: size }));
}

async function readInterfaces(): Promise<Part> {
  const found = await si.networkInterfaces();
  const list = Array.isArray(found) ? found : [found];
  return list
    .filter(({ internal }) => !internal)
    .slice(0, listMax)
    .map(({ iface, type, operstate, virtual }) => ({ name: iface, type, state: operstate, virtual }));
}

async function readBattery(): Promise<Part> {
  const { hasBattery, percent, isCharging, cycleCount, designedCapacity, maxCapacity } = await si.battery();
  if (!hasBattery) return { present: false };
  const health = designedCapacity > 0 ? Math.round((maxCapacity / designedCapacity) * 100) : null;
  return { present: true, percent, charging: isCharging, cycles: cycleCount, health_percent: health };
}
