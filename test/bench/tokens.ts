import { fileURLToPath } from "node:url";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { sessionCookieName } from "../../core/rpc/studio.ts";
import { bundleWorker } from "../../scripts/bundle.ts";
import { Api, signIn } from "../e2e/support/api.ts";
import { freshStateDir, removeStateDir, startStackProcess } from "../e2e/support/stack-process.ts";
import { milliseconds, type Row } from "./report.ts";
import { median, overRounds, throughput, timeEach } from "./statistics.ts";

const checksPerRound = 5000;
const requestsPerRound = 300;
const warmUpRequests = 100;
/** Sessions that refresh at once. */
const refreshLanes = 8;
const refreshesPerRound = 200;

/** What tokens cost: a check at the edge, a new token, and a request with either credential. */
export async function benchTokens(rounds: number): Promise<Row[]> {
  return [...(await benchChecks(rounds)), ...(await benchStack(rounds))];
}

/** The edge's check in workerd, with a source of keys that counts. */
async function benchChecks(rounds: number): Promise<Row[]> {
  const contents = await bundleWorker(fileURLToPath(new URL("token-worker.ts", import.meta.url)));
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: "127.0.0.1",
      port: 0,
      name: "tokens",
      modules: [{ type: "ESModule", path: "index.mjs", contents }],
      compatibilityDate: "2026-10-20",
      compatibilityFlags: ["nodejs_compat"],
      logRequests: false,
    }),
  );
  try {
    const { origin } = await miniflare.ready;
    const check = async (count: number): Promise<{ taken: number; keysAsked: number }> =>
      (await (await fetch(`${origin}/?n=${count}`)).json()) as { taken: number; keysAsked: number };
    await check(500);
    const rates: number[] = [];
    let checked = 500;
    let keysAsked = 0;
    const startedAt = performance.now();
    for (let round = 0; round < rounds; round += 1) {
      const [ms = Number.NaN] = await timeEach(1, async () => {
        const answer = await check(checksPerRound);
        if (answer.taken !== checksPerRound) throw new Error("a genuine token was refused");
        ({ keysAsked } = answer);
      });
      checked += checksPerRound;
      rates.push(checksPerRound / (ms / 1000));
    }
    const seconds = (performance.now() - startedAt) / 1000;
    return [
      { what: "token checks at the edge, one core of workerd", value: `${Math.round(median(rates))} /s`, beside: "–" },
      {
        what: "calls to the source of keys meanwhile",
        value: `${keysAsked} for ${checked} checks in ${seconds.toFixed(1)} s`,
        beside: "–",
      },
    ];
  } finally {
    await miniflare.dispose();
  }
}

/** The whole system. */
async function benchStack(rounds: number): Promise<Row[]> {
  const dir = freshStateDir();
  const stack = await startStackProcess(dir, ["--port", "0", "--quiet", "--no-agent", "--limit-scale", "100000"]);
  try {
    const { url, owner } = stack.description;
    const { api } = await signIn(url, owner.email, owner.password);
    const cookie = await cookieOf(url, owner);
    const me = async (as: Api, headers: Record<string, string> = {}): Promise<void> => {
      const { status } = await as.send("GET", "/api/v1/me", undefined, headers);
      if (status !== 200) throw new Error(`/me answered ${status}`);
    };
    const lanes: string[] = [];
    for (let lane = 0; lane < refreshLanes; lane += 1)
      lanes.push((await signIn(url, owner.email, owner.password)).refreshToken);
    const refresh = async (lane: number): Promise<void> => {
      const body = { refresh_token: lanes[lane] };
      const answer = await new Api(url).send<{ refresh_token: string }>("POST", "/api/v1/auth/refresh", body);
      if (answer.status !== 200) throw new Error(`refresh answered ${answer.status}`);
      lanes[lane] = answer.body.refresh_token;
    };
    const subjects = {
      bearer: () => me(api),
      cookie: () => me(new Api(url), { Cookie: cookie }),
      refresh: () => refresh(0),
    };
    const samples: Record<keyof typeof subjects, number[][]> = { bearer: [], cookie: [], refresh: [] };
    for (const call of Object.values(subjects)) await timeEach(warmUpRequests, call);
    const rates: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      for (const [name, call] of Object.entries(subjects))
        samples[name as keyof typeof subjects].push(await timeEach(requestsPerRound, call));
      rates.push(await refreshAll(refresh));
    }
    const row = (what: string, name: keyof typeof subjects): Row => {
      const { p50, p99 } = overRounds(samples[name]);
      return { what, value: `p50 ${milliseconds(p50)}, p99 ${milliseconds(p99)}`, beside: "–" };
    };
    return [
      row("GET /me with a bearer (edge → studio → Postgres)", "bearer"),
      row("GET /me with a cookie", "cookie"),
      row("POST /auth/refresh: a new token (edge → studio → Postgres → KeyRing, audited)", "refresh"),
      { what: `new tokens, ${refreshLanes} sessions at once`, value: `${Math.round(median(rates))} /s`, beside: "–" },
    ];
  } finally {
    await stack.stop();
    removeStateDir(dir);
  }
}

/** Each session goes on with its own line of tokens. */
async function refreshAll(refresh: (lane: number) => Promise<void>): Promise<number> {
  const each = refreshesPerRound / refreshLanes;
  const perLane = async (lane: number): Promise<void> => {
    for (let time = 0; time < each; time += 1) await refresh(lane);
  };
  return (await throughput(refreshLanes, refreshLanes, perLane)) * each;
}

async function cookieOf(url: string, owner: { readonly email: string; readonly password: string }): Promise<string> {
  const answer = await new Api(url).send("POST", "/api/v1/auth/login", owner);
  const pair = new RegExp(`${sessionCookieName}=[^;]+`).exec(answer.headers.get("Set-Cookie") ?? "")?.[0];
  if (pair === undefined) throw new Error(`sign-in answered ${answer.status}`);
  return pair;
}
