/** Eclipse Paho's Python client, as Debian has it, in a process of its own. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { findPaho } from "../../../scripts/test/paho.ts";
import { newDevice, uniqueName } from "../support/target.ts";

const python = findPaho();
const script = fileURLToPath(new URL("paho-client.py", import.meta.url));

interface Seen {
  readonly [name: string]: unknown;
}

async function run(level: 4 | 5): Promise<Seen> {
  const device = await newDevice();
  const url = new URL(device.url);
  const job = {
    host: url.hostname,
    port: Number(url.port),
    path: url.pathname,
    username: device.deviceId,
    password: device.token,
    name: uniqueName("paho"),
    topic: device.scope()(""),
    level,
  };
  const child = spawn(python ?? "python3", [script], { stdio: ["pipe", "pipe", "pipe"] });
  let output = "";
  let errors = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  child.stdin.end(JSON.stringify(job));
  const status = await new Promise<number | null>((resolve) => child.once("close", resolve));
  if (status !== 0) throw new Error(`the client ended with ${status}: ${errors}`);
  return JSON.parse(output) as Seen;
}

if (python === null)
  console.log("no Python with paho-mqtt is on this machine: its tests are skipped (install python3-paho-mqtt)");

describe.skipIf(python === null)("Paho's Python client", () => {
  it.each([4, 5] as const)("level %i: sessions, QoS 2, retained messages, wills and order", async (level) => {
    const { properties, connack, order, ...seen } = await run(level);
    expect(seen).toEqual({
      code: 0,
      granted: [2],
      published: [true, true],
      present: 1,
      queued: [
        ["q/1", "for 1", 1, false],
        ["q/2", "for 2", 2, false],
      ],
      now: [["q/now", "now", 2, false]],
      retained: [["kept", "kept", 1, true]],
      will: [["will", "gone", 1, false]],
      big: true,
    });
    expect(order).toEqual(Array.from({ length: 100 }, (_, index) => index));
    if (level === 4) return;
    expect(connack).toEqual({ receiveMaximum: 256, aliases: 10 });
    expect(properties).toEqual({
      user: [
        ["a", "1"],
        ["b", "2"],
        ["a", "3"],
      ],
      type: "text/plain",
      format: 1,
      response: "answers",
      correlation: "00ff",
    });
  });
});
