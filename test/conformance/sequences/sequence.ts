/**
 * A packet sequence as data: what a client sends, what the server must answer, and whether the
 * connection is open afterwards. The tables beside this file make them, `runSequences` runs them.
 */
import { describe, expect, it } from "vitest";
import type { Answer } from "../support/answers.ts";
import { expectNotBusy, whileBusy } from "../support/busy.ts";
import type { Client } from "../support/client.ts";
import { mosquittoDiffers } from "../support/mosquitto-differences.ts";
import { type Device, isSentinel, newDevice } from "../support/target.ts";
import type { Level } from "../support/wire.ts";

export type Step =
  | { readonly send: Uint8Array }
  /** The next packet has at least these fields. */
  | { readonly answer: Partial<Answer> & Pick<Answer, "type"> };

export interface Sequence {
  readonly name: string;
  /** Clause or section that asks for it. */
  readonly clause: string;
  readonly level: Level;
  /** The sequence makes its own CONNECT. */
  readonly bare?: true;
  readonly steps: readonly Step[];
  readonly end:
    | "open"
    /** Closed without a word, as before 5.0 and after the client's DISCONNECT. */
    | "closed"
    /** Closed; a CONNACK or DISCONNECT that refuses may come first, where the version is in doubt. */
    | "gone"
    /** Closed; in 5.0 with this code, in CONNACK when there was none yet, else in DISCONNECT. */
    | { readonly closed: number };
}

export const levelNames: Readonly<Record<Level, string>> = { 3: "3.1", 4: "3.1.1", 5: "5.0" };

/** Closed without a word in 5.0 too, as mosquitto does. */
export const silent = null;
export type Code = number | typeof silent;

/** A refused packet: with a code in 5.0, without a word before. */
export function refused(level: Level, code: Code): Sequence["end"] {
  return level === 5 && code !== silent ? { closed: code } : "closed";
}

export const malformed = 0x81;
export const protocolError = 0x82;

/** Packets after which the connection must still be there. */
export function accepted(
  level: Level,
  name: string,
  clause: string,
  send: Uint8Array,
  ...answers: readonly (Partial<Answer> & Pick<Answer, "type">)[]
): Sequence {
  return { name, clause, level, steps: [{ send }, ...answers.map((answer) => ({ answer }))], end: "open" };
}

/** One packet after which the server must hang up. */
export function rejected(level: Level, name: string, clause: string, send: Uint8Array, code: Code): Sequence {
  return { name, clause, level, steps: [{ send }], end: refused(level, code) };
}

/** The same in place of a CONNECT. */
export function bare(sequence: Sequence): Sequence {
  return { ...sequence, bare: true };
}

async function runSequence(device: Device, sequence: Sequence): Promise<void> {
  const client = sequence.bare === true ? await device.open(sequence.level) : await device.connect(sequence.level);
  try {
    for (const step of sequence.steps) {
      if ("send" in step) client.send(step.send);
      else {
        const answer = await client.next();
        if (answer.type === "connack") expectNotBusy(answer, sequence.level);
        expect(answer).toMatchObject(step.answer);
      }
    }
    await expectEnd(client, sequence);
  } finally {
    client.drop();
  }
}

/** The close code of a WebSocket on which nothing was refused: it was only waited for a CONNECT. */
const silenceCode = 1008;

async function expectEnd(client: Client, { end, level, bare: isBare, steps }: Sequence): Promise<void> {
  if (end === "open") {
    expect(await client.fence()).toEqual([]);
    return;
  }
  const { unread, closeCode } = await client.ended();
  for (const answer of unread) if (answer.type === "connack") expectNotBusy(answer, level);
  const unanswered = unread.length === 0 && !steps.some((step) => "answer" in step);
  if (isSentinel && isBare === true && unanswered) expect(closeCode).not.toBe(silenceCode);
  // A 3.x CONNACK that refuses is an answer that its sequence expects.
  if (end === "gone") {
    const codes = unread.map((answer) => ("code" in answer ? answer.code : 0));
    expect(codes.filter((code) => code === 0)).toEqual([]);
    expect(codes.length).toBeLessThanOrEqual(1);
    return;
  }
  if (end === "closed" || level !== 5) expect(unread).toEqual([]);
  // What mosquitto 2.0.11 says before it closes, if anything, was changed by later versions.
  else if (isSentinel) {
    expect(unread.map((answer) => answer.type)).toEqual([expect.stringMatching(/^(connack|disconnect)$/)]);
    const [last] = unread;
    expect(hexByte(last !== undefined && "code" in last ? last.code : 0)).toBe(hexByte(end.closed));
    // What a program did wrong is told by the code alone: no Reason String, for nobody would read it.
    expect(last !== undefined && "properties" in last ? last.properties : []).toEqual([]);
  }
}

const hexByte = (value: number): string => `0x${value.toString(16).padStart(2, "0")}`;

/** How many devices share the sequences: each may have 32 sessions. */
const devicesPerTable = 2;

/**
 * Makes a test of each sequence.
 * @param make given the device whose credentials and namespace the bytes are for
 */
export async function runSequences(title: string, make: (device: Device) => readonly Sequence[]): Promise<void> {
  const tables = (await Promise.all(Array.from({ length: devicesPerTable }, newDevice))).map((device) => ({
    device,
    sequences: make(device),
  }));
  const count = tables[0]?.sequences.length ?? 0;
  describe(title, () => {
    const seen = new Set<string>();
    for (let index = 0; index < count; index += 1) {
      const { device, sequences } = tables[index % tables.length]!;
      const sequence = sequences[index]!;
      const name = `${levelNames[sequence.level]}: ${sequence.name}`;
      if (seen.has(name)) throw new Error(`two sequences are named ${name}`);
      seen.add(name);
      it.skipIf(mosquittoDiffers(name))(`${name} (${sequence.clause})`, () =>
        whileBusy(() => runSequence(device, sequence)),
      );
    }
  });
}
