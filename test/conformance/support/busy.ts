import type { AnswerOf } from "./answers.ts";

/** The server asks to come back later, which it may at any time: an answer about the machine, not the protocol. */
class ServerBusy extends Error {}

/** How long a server that fell behind lets nobody in. */
const pauseMs = 1000;

/** @throws ServerBusy when this CONNACK says "later": 3 before 5.0, 0x88 in 5.0 */
export function expectNotBusy(connack: AnswerOf<"connack">, level: number): void {
  if (connack.code === (level === 5 ? 0x88 : 3)) throw new ServerBusy("the server is busy");
}

/** Does what a device does: tries again until the server is not busy. The test's own time limit ends it. */
export async function whileBusy<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ServerBusy)) throw error;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}
