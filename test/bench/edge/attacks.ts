import { type Api, signIn } from "../../e2e/support/api.ts";
import { freshStateDir, removeStateDir, startStackProcess } from "../../e2e/support/stack-process.ts";
import { milliseconds, type Row } from "../report.ts";
import { overRounds, timeEach } from "../statistics.ts";

/** Attackers at once, from one process beside the stack: they share the machine with what they attack. */
const lanes = 16;
const honestPerRound = 200;
const warmUpRequests = 50;

type Attack = (url: string) => Promise<Response>;
const json = { "Content-Type": "application/json" };
/** Each is refused by another gate: the firewall by query and by body, geography, sizes. */
const attacks: readonly Attack[] = [
  (url) => fetch(`${url}/api/v1/me?q=1'%20UNION%20SELECT%20password%20FROM%20users--`),
  (url) =>
    fetch(`${url}/api/v1/auth/register`, {
      method: "POST",
      headers: json,
      body: JSON.stringify({ name: "<script>alert(1)</script>".repeat(40), email: "a@b.example" }),
    }),
  (url) =>
    fetch(`${url}/o/demo`, { headers: { "MF-CF-Blob": JSON.stringify({ country: "XX", tlsVersion: "TLSv1.3" }) } }),
  (url) => fetch(`${url}/healthz`, { headers: { "X-Long": "x".repeat(12 * 1024), "X-Longer": "x".repeat(30 * 1024) } }),
];

/** How many refusals a second the edge gives, and what an honest request notices of it. */
export async function benchAttacks(rounds: number): Promise<Row[]> {
  const dir = freshStateDir();
  const stack = await startStackProcess(dir, ["--port", "0", "--quiet", "--no-agent", "--limit-scale", "100000"]);
  try {
    const { url, owner } = stack.description;
    const { api } = await signIn(url, owner.email, owner.password);
    await timeEach(warmUpRequests, () => honest(api));
    const [quiet, attacked, rates]: [number[][], number[][], number[]] = [[], [], []];
    for (let round = 0; round < rounds; round += 1) {
      quiet.push(await timeEach(honestPerRound, () => honest(api)));
      const flood = startFlood(url);
      const startedAt = performance.now();
      attacked.push(await timeEach(honestPerRound, () => honest(api)));
      const seconds = (performance.now() - startedAt) / 1000;
      rates.push((await flood.stop()) / seconds);
    }
    const [alone, beside] = [overRounds(quiet), overRounds(attacked)];
    const rate = [...rates].sort((a, b) => a - b)[Math.floor(rates.length / 2)] ?? 0;
    return [
      { what: `attacks refused a second, ${lanes} attackers on the same machine`, value: rate.toFixed(0), beside: "–" },
      {
        what: "an honest GET /me under them, p50 / p99",
        value: `${milliseconds(beside.p50)} / ${milliseconds(beside.p99)}`,
        beside: `without: ${milliseconds(alone.p50)} / ${milliseconds(alone.p99)}`,
      },
    ];
  } finally {
    await stack.stop();
    removeStateDir(dir);
  }
}

async function honest(api: Api): Promise<void> {
  const { status } = await api.send("GET", "/api/v1/me");
  if (status !== 200) throw new Error(`an honest request answered ${status}`);
}

function startFlood(url: string): { stop(): Promise<number> } {
  let running = true;
  let refused = 0;
  const lane = async (index: number): Promise<void> => {
    for (let turn = index; running; turn += 1) {
      const answer = await (attacks[turn % attacks.length] as Attack)(url);
      await answer.arrayBuffer();
      if (answer.status < 400) throw new Error(`attack ${turn % attacks.length} was let in`);
      refused += 1;
    }
  };
  const done = Promise.all(Array.from({ length: lanes }, (_, index) => lane(index)));
  return {
    async stop() {
      running = false;
      const soFar = refused;
      await done;
      return soFar;
    },
  };
}
