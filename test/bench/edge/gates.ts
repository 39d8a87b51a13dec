import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { makeId } from "../../../core/ids.ts";
import { accessTokenAudience, tokenTypes } from "../../../core/mesh/claims.ts";
import type { RateDecision, RatePolicy } from "../../../core/rpc/durable-objects.ts";
import type { Env } from "../../../workers/edge/env.ts";
import type { Additions, Admitted, RequestContext } from "../../../workers/edge/gates/gate.ts";
import { gates } from "../../../workers/edge/gates/index.ts";
import { createIsolate, type Isolate } from "../../../workers/edge/isolate.ts";
import { bareEnv, contextOf, orgId, orgPolicy, userId } from "../../unit/edge/contexts.ts";
import type { Row } from "../report.ts";
import { overRounds } from "../statistics.ts";
import { cases as honestCases } from "../waf.ts";

/** Requests of one case in one round: enough for a p99 of its own. */
const requestsPerRound = 300;
const warmUpRequests = 600;

interface Case {
  readonly what: string;
  readonly path: string;
  readonly method: string;
  readonly body: Uint8Array<ArrayBuffer> | null;
}

/** What the firewall's own benchmark sends, on routes that are there. */
const cases: readonly Case[] = honestCases().map(({ what, body }) => {
  return body === null
    ? { what, path: "/api/v1/orgs/demo/devices?limit=50", method: "GET", body }
    : { what, path: "/api/v1/orgs/demo/groups", method: "POST", body: new Uint8Array(body) };
});

/**
 * What each gate adds to a request, and all of them, in this process: other units answer at once, so this is the
 * edge's own time and nothing of a network's. Gates of one request are timed one after another.
 */
export async function benchGates(rounds: number): Promise<Row[]> {
  const world = await createWorld();
  const rows: Row[] = [];
  for (const one of cases) {
    for (let request = 0; request < warmUpRequests / (one.body === null ? 1 : 4); request += 1)
      await pass(world.contextFor(one), new Map());
    const perGate = new Map<string, number[][]>();
    const cpu: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const contexts = Array.from({ length: requestsPerRound }, () => world.contextFor(one));
      const times = new Map<string, number[]>();
      const before = process.cpuUsage();
      for (const context of contexts) await pass(context, times);
      const { user, system } = process.cpuUsage(before);
      cpu.push((user + system) / requestsPerRound);
      for (const [gate, samples] of times) perGate.set(gate, [...(perGate.get(gate) ?? []), samples]);
    }
    for (const [gate, samples] of perGate) {
      const { p50, p99 } = overRounds(samples);
      rows.push({
        what: `${one.what}: ${gate}, p50 / p99`,
        value: `${p50.toFixed(1)} / ${p99.toFixed(1)} µs`,
        beside: gate === "all" ? `CPU ${Math.round(Math.min(...cpu))} µs a request` : "–",
      });
    }
  }
  return rows;
}

/** Takes a request through every gate. @param times microseconds by gate, added to; `all` is their sum */
async function pass(context: RequestContext, times: Map<string, number[]>): Promise<void> {
  let added: Partial<Additions> = {};
  let sum = 0;
  for (const gate of gates) {
    const startedAt = performance.now();
    const result = await gate.judge({ ...context, ...added } as Admitted);
    const took = (performance.now() - startedAt) * 1000;
    if (result.kind === "deny") throw new Error(`${gate.name} refused an honest request: ${result.code}`);
    added = { ...added, ...result.adds };
    sum += took;
    keep(times, gate.name, took);
  }
  keep(times, "all", sum);
}

function keep(times: Map<string, number[]>, name: string, value: number): void {
  const samples = times.get(name) ?? [];
  samples.push(value);
  times.set(name, samples);
}

async function createWorld(): Promise<{ contextFor(one: Case): RequestContext }> {
  const { publicKey, privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519" });
  const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: "k1" }] };
  const decision = (limit: number): RateDecision => ({ allowed: true, limit, remaining: limit - 1, resetSeconds: 60 });
  const bindings: Partial<Env> = {
    FLOOD: { limit: async () => ({ success: true }) },
    PUBLIC_KEYS: {
      accessKeys: async () => keys,
      meshRoots: async () => ({ keys: [] }),
      logKeys: async () => ({ keys: [] }),
    },
    LIMITS: {
      consume: async (_client, policies: readonly RatePolicy[]) => ({
        allowed: true,
        decisions: policies.map(({ limit }) => decision(limit)),
      }),
      lease: async (_client, { limit }, permits) => ({ granted: permits, decision: decision(limit) }),
      attempt: async (_client, { limit }) => ({ attempt: "a", decision: decision(limit) }),
      settle: async () => undefined,
    },
  };
  const env = bareEnv(bindings);
  const isolate: Isolate = createIsolate(env, Date.now);
  const iat = Math.floor(Date.now() / 1000);
  const token = await new SignJWT({
    org: orgId,
    role: "admin",
    sid: makeId("session", Date.now(), crypto.getRandomValues(new Uint8Array(10))),
    jti: crypto.randomUUID(),
  })
    .setProtectedHeader({ alg: "EdDSA", kid: "k1", typ: tokenTypes.access })
    .setIssuer(env.ISSUER)
    .setAudience(accessTokenAudience)
    .setSubject(userId)
    .setIssuedAt(iat)
    .setExpirationTime(iat + 3600)
    .sign(privateKey);
  const headers = {
    Authorization: `Bearer ${token}`,
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0",
    Accept: "application/json, text/plain, */*",
    "Accept-Language": "en-IN,en;q=0.9,hi;q=0.8",
  };
  return {
    contextFor({ path, method, body }) {
      const typed = body === null ? headers : { ...headers, "Content-Type": "application/json" };
      const init = body === null ? { method, headers: typed } : { method, headers: typed, body };
      const context = contextOf(`https://s.example${path}`, { init, org: orgPolicy(), env: bindings });
      const { resolution } = context;
      if (resolution.kind === "miss") throw new Error("the benchmark's route is gone");
      // No route takes 100 kB yet; the gates are measured on it all the same.
      const route = { ...resolution.match.route, bodyBytesMax: body === null ? 0 : 256 * 1024 };
      const match = { ...resolution.match, route };
      return { ...context, isolate, nowMs: Date.now(), resolution: { ...resolution, match } };
    },
  };
}
