import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { runCommand } from "./run-command.ts";

/** Debian's, and whatever else may carry the package. */
const candidates = ["/usr/bin/python3", "python3", "python"];

/** A Python that can import Paho's MQTT client; null when there is none. */
export function findPaho(): string | null {
  const named = process.env["PAHO_PYTHON"];
  const programs = named === undefined ? candidates : [named, ...candidates];
  return (
    programs.find(
      (program) => spawnSync(program, ["-c", "import paho.mqtt.client"], { stdio: "ignore" }).status === 0,
    ) ?? null
  );
}

/**
 * Paho's MQTT client for the conformance tests: found on the machine, else Debian's package (as root).
 * @returns a Python that has it; null, and says so, when it can't be had: those tests are then skipped
 */
export async function findOrInstallPaho(): Promise<string | null> {
  const found = findPaho();
  if (found !== null) return found;
  if (process.getuid?.() === 0 && existsSync("/usr/bin/apt-get")) {
    console.log("installing Debian's python3-paho-mqtt …");
    await runCommand("apt-get", ["update", "-q"], true);
    await runCommand("apt-get", ["install", "-y", "-q", "--no-install-recommends", "python3-paho-mqtt"], true);
  }
  const installed = findPaho();
  if (installed === null)
    console.log(
      "no Python with paho-mqtt is on this machine: the tests with Paho's client are skipped (install python3-paho-mqtt)",
    );
  return installed;
}
