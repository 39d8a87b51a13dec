import { isAlive } from "../../process-alive.ts";
import { readStackDescription } from "../stack-description.ts";
import { stateFlag, type Verb } from "../verb.ts";

/** How long an address may take to answer, in milliseconds. */
const answerMsMax = 10_000;

export const status: Verb = {
  name: "status",
  summary: "Asks a stack on this machine how it is; exit status 0 when all is well",
  flags: { state: stateFlag },
  async run(flags, print) {
    const { url, pids } = readStackDescription(flags["state"]);
    const parts: [string, string | null][] = Object.entries(pids).map(([name, pid]) => [
      `${name} (process ${pid})`,
      isAlive(pid) ? null : "is not running",
    ]);
    for (const path of ["/healthz", "/readyz"]) parts.push([`${url}${path}`, await problemOf(`${url}${path}`)]);
    for (const [name, problem] of parts) print(problem === null ? `✓ ${name}` : `✗ ${name} ${problem}`);
    return parts.every(([, problem]) => problem === null) ? 0 : 1;
  },
};

/** What is wrong with an address, or null. */
async function problemOf(url: string): Promise<string | null> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(answerMsMax), redirect: "manual" });
    const text = await answer.text();
    return answer.ok ? null : `answered ${answer.status} ${text.slice(0, 200)}`;
  } catch (error) {
    const { cause, message } = error as Error & { cause?: { code?: string } };
    return `did not answer: ${cause?.code ?? message}`;
  }
}
