import { expect, it } from "vitest";
import { whileBusy } from "./busy.ts";
import type { Client, Ended } from "./client.ts";
import { mosquittoDiffers } from "./mosquitto-differences.ts";
import { isSentinel } from "./target.ts";

/** A test whose name is a claim about the protocol; not run where mosquitto is known to differ. */
export function check(name: string, work: () => Promise<void>): void {
  it.skipIf(mosquittoDiffers(name))(name, () => whileBusy(work));
}

/** Lets time pass that the protocol itself counts (expiries, delays); nothing is measured with it. */
export function seconds(count: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, count * 1000));
}

/**
 * The server ends the connection: in 5.0 with DISCONNECT and one of these codes, before without a word. mosquitto
 * 2.0 closes a WebSocket before it has sent its DISCONNECT, so there only the end is looked at.
 */
export async function expectFarewell(client: Client, ...codes: readonly number[]): Promise<void> {
  const { unread }: Ended = await client.ended();
  if (client.level !== 5) expect(unread).toEqual([]);
  else if (isSentinel) {
    expect(unread.map((answer) => answer.type)).toEqual(["disconnect"]);
    const [last] = unread;
    const code = last?.type === "disconnect" ? last.code : -1;
    expect(codes).toContain(code);
    // What a program did wrong is told by the code alone.
    if (last?.type === "disconnect" && (code === 0x81 || code === 0x82)) expect(last.properties).toEqual([]);
  } else expect(unread.filter((answer) => answer.type !== "disconnect")).toEqual([]);
}
