import { packetBytesMax } from "../../../core/limits.ts";
import { hold, type Progress, pause, type SoakOptions } from "../part.ts";
import { createFuzzer } from "./fuzzer.ts";

/** Inputs a minute at least, ten million in the usual ten: a slow machine takes longer. */
const inputsPerMinuteMin = 1_000_000;
/** Inputs between two looks at the clock. */
const batch = 500;
/** What the process may hold in buffers: a thousand largest packets. A length that is believed would go far beyond. */
const bufferBytesMax = 1000 * packetBytesMax;

/** Random, mutated and built bytes through the MQTT decoder, at all three levels, for the given time. */
export async function soakCodec({ minutes, seed }: SoakOptions, progress: Progress): Promise<string> {
  const fuzzer = createFuzzer(seed);
  const end = performance.now() + minutes * 60_000;
  progress.say(() => fuzzer.figures());
  while (performance.now() < end || fuzzer.inputs < minutes * inputsPerMinuteMin) {
    for (let count = 0; count < batch; count += 1) {
      const problem = fuzzer.one();
      hold(problem === null, `input ${fuzzer.inputs}: ${problem}`);
    }
    const { arrayBuffers } = process.memoryUsage();
    hold(arrayBuffers < bufferBytesMax, `${arrayBuffers} bytes of buffers are held`);
    // The progress lines need a turn of their own.
    await pause(0);
  }
  return fuzzer.figures();
}
