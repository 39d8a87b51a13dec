import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { makeId } from "../../core/ids.ts";
import { connectTimeoutMs } from "../../core/limits.ts";
import type { StackProcess } from "../e2e/support/stack-process.ts";
import { type Address, Link } from "./client/link.ts";
import { hold } from "./part.ts";

/** A socket that is not closed so long after its time never will be, in milliseconds. */
const closeMsMax = 60_000;

/**
 * Sockets that never send a CONNECT.
 * @returns when all of them are closed: after how many milliseconds the first and the last. @throws Violation
 */
export async function sayNothing(address: Address, count: number): Promise<{ first: number; last: number }> {
  const lives = await Promise.all(Array.from({ length: count }, () => lifeOf(address)));
  const first = Math.min(...lives);
  // The hub counts from the moment it accepted the socket, which is before we hear of it.
  hold(first > connectTimeoutMs - 2000, `a socket without CONNECT was closed after ${first.toFixed(0)} ms`);
  return { first, last: Math.max(...lives) };
}

function lifeOf(address: Address): Promise<number> {
  return new Promise((resolve, reject) => {
    let openedAtMs: number | null = null;
    const timer = setTimeout(() => link.end("still open"), closeMsMax);
    const link = new Link(address, {
      opened: () => {
        openedAtMs = performance.now();
      },
      packet: () => undefined,
      closed: (why) => {
        clearTimeout(timer);
        if (openedAtMs !== null && why.includes("no CONNECT")) resolve(performance.now() - openedAtMs);
        else reject(new Error(`a socket without CONNECT: ${why}`));
      },
    });
  });
}

/**
 * Upgrades to organisations that nobody has, one after another.
 * @throws Violation when one is not answered by 404, or an object begins to exist
 */
export async function knockAtNoDoor(stack: StackProcess, count: number): Promise<void> {
  const before = hubsOf(stack).length;
  hold(before > 0, "no hub's file was found: look where objects are stored");
  const { port, host } = new URL(stack.description.url);
  for (let index = 0; index < count; index += 1) {
    const name = index % 2 === 0 ? makeId("org", Date.now(), randomBytes(10)) : `nobody-${index}`;
    const why = await refusalOf({ port: Number(port), host, path: `/mqtt/${name}` });
    hold(why.includes("HTTP/1.1 404"), `an organisation that nobody has: ${why}`);
  }
  const made = hubsOf(stack).length - before;
  hold(made === 0, `${made} hubs were made for ${count} organisations that nobody has`);
}

function refusalOf(address: Address): Promise<string> {
  return new Promise((resolve) => {
    const link = new Link(address, {
      opened: () => link.end("it was opened"),
      packet: () => undefined,
      closed: resolve,
    });
  });
}

/** Each hub that ever existed has a file. */
function hubsOf(stack: StackProcess): string[] {
  const files = readdirSync(join(stack.stateDir, "workers", "do"), { recursive: true, encoding: "utf8" });
  return files.filter((file) => /TenantHub.[0-9a-f]+\.sqlite$/.test(file));
}
