import { type Api, signIn } from "../e2e/support/api.ts";
import { freshStateDir, removeStateDir, startStackProcess } from "../e2e/support/stack-process.ts";
import { milliseconds, type Row } from "./report.ts";
import { overRounds, quantile, timeEach } from "./statistics.ts";

/** Sign-ins of one round, one after another; each is one scrypt of some 0.2 s. */
const signInsPerRound = 20;
/** Sign-ins under way at once while others are read: less than the queue holds, so that each is worked on. */
const lanes = 8;
const readsPerRound = 100;
const warmUpReads = 50;

interface Samples {
  readonly alone: number[];
  readonly together: number[];
  readonly perSecond: number;
  readonly quietReads: number[];
  readonly busyReads: number[];
}

/**
 * Sign-ins with a password through the whole stack, and what everybody else notices of them: `GET /me` while
 * nobody signs in beside `GET /me` while sign-ins run flat out.
 */
export async function benchSignIn(rounds: number): Promise<Row[]> {
  const dir = freshStateDir();
  const stack = await startStackProcess(dir, ["--port", "0", "--quiet", "--no-agent", "--limit-scale", "100000"]);
  try {
    const { url, owner } = stack.description;
    const { api } = await signIn(url, owner.email, owner.password);
    await timeEach(warmUpReads, () => read(api));
    const measured: Samples[] = [];
    for (let round = 0; round < rounds; round += 1) measured.push(await measure(api, url, owner));
    const alone = overRounds(measured.map((samples) => samples.alone));
    const together = overRounds(measured.map((samples) => samples.together));
    const quiet = overRounds(measured.map(({ quietReads }) => quietReads));
    const busy = overRounds(measured.map(({ busyReads }) => busyReads));
    const perSecond = quantile(
      measured.map((samples) => samples.perSecond),
      0.5,
    );
    const beside = `while nobody signs in: ${milliseconds(quiet.p50)}, p99 ${milliseconds(quiet.p99)}`;
    return [
      { what: "sign-in with a password, one at a time, p50", value: milliseconds(alone.p50), beside: "–" },
      { what: "the same, p99", value: milliseconds(alone.p99), beside: "–" },
      { what: `sign-ins, ${lanes} at once`, value: `${perSecond.toFixed(1)} a second`, beside: "–" },
      { what: "the same, each, p50", value: milliseconds(together.p50), beside: "–" },
      { what: `GET /me while ${lanes} sign in at once without a pause, p50`, value: milliseconds(busy.p50), beside },
      { what: "the same, p99", value: milliseconds(busy.p99), beside },
    ];
  } finally {
    await stack.stop();
    removeStateDir(dir);
  }
}

async function measure(api: Api, url: string, owner: { email: string; password: string }): Promise<Samples> {
  const once = () => signIn(url, owner.email, owner.password);
  const quietReads = await timeEach(readsPerRound, () => read(api));
  const alone = await timeEach(signInsPerRound, once);
  let reading = true;
  const together: number[] = [];
  const startedAt = performance.now();
  const flood = Promise.all(
    Array.from({ length: lanes }, async () => {
      while (reading) together.push(...(await timeEach(1, once)));
    }),
  );
  const busyReads = await timeEach(readsPerRound, () => read(api));
  // Long enough for each lane to have had its turns, however fast the reads were.
  while (together.length < 2 * lanes) busyReads.push(...(await timeEach(1, () => read(api))));
  reading = false;
  await flood;
  const perSecond = together.length / ((performance.now() - startedAt) / 1000);
  return { alone, together, perSecond, quietReads, busyReads };
}

async function read(api: Api): Promise<void> {
  const { status, body } = await api.send("GET", "/api/v1/me");
  if (status !== 200) throw new Error(`/me answered ${status}: ${JSON.stringify(body)}`);
}
