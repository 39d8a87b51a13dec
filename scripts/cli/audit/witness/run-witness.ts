/** The witness program: turn after turn until it is told to stop, or until the log is not what it was. */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { CliError } from "../../cli-error.ts";
import { readPrivateFile } from "../../private-file.ts";
import { findWitnessKey, makeWitnessKey, type WitnessKey } from "./witness-key.ts";
import { checkToken, createWitnessLink, NotNow } from "./witness-link.ts";
import { lockFolder } from "./witness-lock.ts";
import { type Turn, takeTurn } from "./witness-turn.ts";

export interface WitnessOptions {
  /** The log's address. */
  readonly address: string;
  /** Where key, token and what was seen are kept. */
  readonly dir: string;
  /** For a key that is made now; null: there is one. */
  readonly name: string | null;
  readonly once: boolean;
  readonly everySeconds: number;
}

/** Exit statuses beside 0 (cosigned, or told to stop) and 2 (something is to be set up first). */
export const witnessStatus = { notWhatItWas: 1, notNow: 3 } as const;

export const everySecondsDefault = 60;
/** There is a checkpoint a minute at most, and a log that is asked every second learns nothing by it. */
export const everySecondsMin = 10;
export const everySecondsMax = 24 * 3600;
/** Longest wait after failures, in seconds: a server that comes back is noticed within a quarter of an hour. */
const backoffSecondsMax = 15 * 60;

/**
 * @param signal told to stop: the turn under way is finished
 * @returns the exit status
 * @throws CliError for what is to be set up first, or can't be read
 */
export async function runWitness(
  { address, dir, name, once, everySeconds }: WitnessOptions,
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<number> {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const free = lockFolder(join(dir, "lock"));
  try {
    const key = await keyOf(join(dir, "key"), name, print);
    const link = createWitnessLink(address, tokenOf(join(dir, "token"), key));
    const state = { failures: 0, size: -1 };
    while (!signal.aborted) {
      const status = await oneTurn(() => takeTurn(link, key, join(dir, "known"), Date.now), print, state);
      if (status === witnessStatus.notWhatItWas || once) return status;
      await delay(1000 * waitSeconds(everySeconds, state.failures, Math.random()), undefined, { signal }).catch(
        () => null,
      );
    }
    return 0;
  } finally {
    free();
  }
}

/**
 * How long to wait for the next turn: the interval, doubled with each failure in a row, and jittered by a tenth so
 * that witnesses of many schools do not all ask in the same second.
 * @param random 0 ≤ random < 1
 */
export function waitSeconds(everySeconds: number, failures: number, random: number): number {
  const longest = Math.max(everySeconds, backoffSecondsMax);
  const full = Math.min(longest, everySeconds * 2 ** Math.min(failures, 20));
  return full * (0.9 + random / 5);
}

/** Says what is new, so that a log of this program is short while nothing happens. */
async function oneTurn(
  take: () => Promise<Turn>,
  print: (line: string) => void,
  state: { failures: number; size: number },
): Promise<number> {
  let turn: Turn;
  try {
    turn = await take();
  } catch (error) {
    if (!(error instanceof NotNow)) throw error;
    state.failures += 1;
    print(`not cosigned: ${error.message}`);
    return witnessStatus.notNow;
  }
  if (turn.kind === "distrusted") {
    print(`✗ ${turn.why}: ${turn.detail}`);
    print("Nothing was signed. Keep this folder as it is: it is the evidence (docs/runbooks/audit-witness.md).");
    return witnessStatus.notWhatItWas;
  }
  const { head, first } = turn;
  if (first !== null) {
    print(
      `first seen: ${head.origin}. From now on it is believed by these keys alone; compare them with what others see:`,
    );
    for (const key of first) print(`  ${key}`);
  }
  if (head.size !== state.size || state.failures > 0) print(`✓ cosigned ${head.origin} up to entry ${head.size}`);
  state.size = head.size;
  state.failures = 0;
  return 0;
}

async function keyOf(path: string, name: string | null, print: (line: string) => void): Promise<WitnessKey> {
  const found = await findWitnessKey(path);
  if (found === null && name === null)
    throw new CliError("no_name", "there is no key yet: say how it is to be called, --name school.example/witness", 2);
  const key = found ?? (await makeWitnessKey(path, name as string));
  if (name !== null && key.verifier.name !== name)
    throw new CliError("other_name", `the key in ${path} is called ${key.verifier.name}`, 2);
  if (found === null) print(`made a key in ${path}`);
  return key;
}

function tokenOf(path: string, key: WitnessKey): string {
  if (!existsSync(path)) {
    const steps = `Register this key as a witness of the organisation's audit log:\n\n  ${key.text}\n\nand put the token that is shown there into ${path} (chmod 600).`;
    throw new CliError("no_token", steps, 2);
  }
  return checkToken(readPrivateFile({ path, code: "bad_token_file" }), path);
}
