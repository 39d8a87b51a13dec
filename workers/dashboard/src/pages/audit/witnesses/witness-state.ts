import type { Witness } from "../../../api/witnesses.ts";

/** A witness looks every minute and waits a quarter of an hour at most after failures; twice that, in milliseconds. */
const silentMs = 30 * 60_000;

/** Whether a witness does what it is there for. */
export function witnessState({ cosigned }: Pick<Witness, "cosigned">, nowMs: number): "never" | "watching" | "silent" {
  if (cosigned === null) return "never";
  return nowMs - Date.parse(cosigned.at) > silentMs ? "silent" : "watching";
}

/** The name in a key `name+id+key`. */
export const keyName = (key: string): string => key.split("+")[0] ?? key;
