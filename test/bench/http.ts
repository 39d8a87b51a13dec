import { fileURLToPath } from "node:url";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { Client } from "pg";
import { bundleWorker } from "../../scripts/bundle.ts";
import { startGateway } from "../../scripts/postgres/gateway.ts";
import { Api, signIn } from "../e2e/support/api.ts";
import { freshStateDir, removeStateDir, startStackProcess } from "../e2e/support/stack-process.ts";
import { milliseconds, type Row } from "./report.ts";
import { overRounds, timeEach } from "./statistics.ts";

const requestsPerRound = 300;
const warmUpRequests = 100;

/** An authenticated GET through edge → studio → capabilities → Postgres, beside a bare Hono Worker with the same query. */
export async function benchHttp(rounds: number): Promise<Row[]> {
  const dir = freshStateDir();
  const stack = await startStackProcess(dir, ["--port", "0", "--quiet", "--no-agent", "--limit-scale", "100000"]);
  const bare = await startBareWorker(Object.values(stack.description.databaseUrls)[0] ?? "");
  try {
    const { api } = await signIn(
      stack.description.url,
      stack.description.owner.email,
      stack.description.owner.password,
    );
    const subjects = {
      me: () => expectOk(api, "/api/v1/me"),
      devices: () => expectOk(api, "/api/v1/orgs/demo/devices"),
      bare: () => expectOk(new Api(bare.url), "/devices"),
      health: () => expectOk(new Api(stack.description.url), "/healthz"),
    };
    const samples: Record<keyof typeof subjects, number[][]> = { me: [], devices: [], bare: [], health: [] };
    for (const call of Object.values(subjects)) await timeEach(warmUpRequests, call);
    for (let round = 0; round < rounds; round += 1) {
      for (const [name, call] of Object.entries(subjects))
        samples[name as keyof typeof subjects].push(await timeEach(requestsPerRound, call));
    }
    const [me, devices, base, health] = [samples.me, samples.devices, samples.bare, samples.health].map(overRounds);
    const beside = (value: number): string => `bare Hono Worker, same query: ${milliseconds(value)}`;
    return [
      {
        what: "GET /orgs/{org}/devices (edge → studio → capabilities → Postgres), p50",
        value: milliseconds(devices!.p50),
        beside: beside(base!.p50),
      },
      { what: "the same, p99", value: milliseconds(devices!.p99), beside: beside(base!.p99) },
      { what: "GET /me (edge → studio → Postgres), p50", value: milliseconds(me!.p50), beside: beside(base!.p50) },
      { what: "the same, p99", value: milliseconds(me!.p99), beside: beside(base!.p99) },
      { what: "GET /healthz (edge alone, all its gates), p50", value: milliseconds(health!.p50), beside: "–" },
    ];
  } finally {
    await bare.stop();
    await stack.stop();
    removeStateDir(dir);
  }
}

async function expectOk(api: Api, path: string): Promise<void> {
  const { status, body } = await api.send("GET", path);
  if (status !== 200) throw new Error(`${path} answered ${status}: ${JSON.stringify(body)}`);
}

/** Its table lies in the owner's own schema, with as many rows as the demo organisation has devices. */
async function startBareWorker(databaseUrl: string): Promise<{ url: string; stop(): Promise<void> }> {
  const client = new Client(databaseUrl);
  await client.connect();
  await client.query("CREATE SCHEMA IF NOT EXISTS sentinel_owner");
  await client.query(
    "CREATE TABLE IF NOT EXISTS sentinel_owner.bench_devices (id text PRIMARY KEY, name text, platform text, enrolled_at timestamptz, last_seen_at timestamptz, online boolean)",
  );
  await client.query(
    "INSERT INTO sentinel_owner.bench_devices VALUES ('dev_1', 'pc', 'linux', now(), now(), true) ON CONFLICT DO NOTHING",
  );
  await client.end();
  const gateway = await startGateway({ port: 0, clusters: [{ port: Number(new URL(databaseUrl).port) }] });
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: "127.0.0.1",
      port: 0,
      name: "bare",
      modules: [
        {
          type: "ESModule",
          path: "index.mjs",
          contents: await bundleWorker(fileURLToPath(new URL("bare-worker.ts", import.meta.url))),
        },
      ],
      compatibilityDate: "2026-10-20",
      compatibilityFlags: ["nodejs_compat"],
      bindings: { DATABASE_URL: databaseUrl, NEON_GATEWAY: `127.0.0.1:${gateway.port}` },
      logRequests: false,
    }),
  );
  const url = await miniflare.ready;
  return {
    url: url.origin,
    stop: async () => {
      await miniflare.dispose();
      await gateway.stop();
    },
  };
}
