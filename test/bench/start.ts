import { freshStateDir, removeStateDir, startStackProcess } from "../e2e/support/stack-process.ts";
import type { Row } from "./report.ts";
import { median } from "./statistics.ts";

/** `npm start` on an installed checkout until its `ready ` line: on a new state, and again on the same. */
export async function benchStart(rounds: number): Promise<Row[]> {
  const first: number[] = [];
  const second: number[] = [];
  for (let round = 0; round < Math.min(rounds, 3); round += 1) {
    const dir = freshStateDir();
    for (const samples of [first, second]) {
      const startedAt = performance.now();
      const stack = await startStackProcess(dir, ["--port", "0", "--quiet"]);
      samples.push((performance.now() - startedAt) / 1000);
      await stack.stop();
    }
    removeStateDir(dir);
  }
  return [
    { what: "npm start (installed) to ready, new state", value: `${median(first).toFixed(1)} s`, beside: "–" },
    { what: "npm start to ready, same state again", value: `${median(second).toFixed(1)} s`, beside: "–" },
  ];
}
