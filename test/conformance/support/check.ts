import { it } from "vitest";
import { mosquittoDiffers } from "./mosquitto-differences.ts";

/** A test whose name is a claim about the protocol; not run where mosquitto is known to differ. */
export function check(name: string, work: () => Promise<void>): void {
  it.skipIf(mosquittoDiffers(name))(name, work);
}

/** Lets time pass that the protocol itself counts (expiries, delays); nothing is measured with it. */
export function seconds(count: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, count * 1000));
}
