import { WorkerEntrypoint } from "cloudflare:workers";
import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import type { OrgId } from "../../../core/ids.ts";
import { accessTokenAudience, tokenTypes } from "../../../core/mesh/claims.ts";
import type { LogKey } from "../../../core/rpc/audit-proofs.ts";
import type {
  EdgeRefusals,
  EdgeTraffic,
  EdgeWafRecord,
  RateAttempt,
  RateLease,
  RatePolicy,
  RateVerdict,
} from "../../../core/rpc/durable-objects.ts";
import type { SessionExchangeResult } from "../../../core/rpc/studio.ts";

type Unit = "ASSETS" | "STUDIO" | "SESSIONS" | "DEVICE_GATEWAY" | "LIMITS" | "EDGE_EVENTS" | "PUBLIC_KEYS";
interface Call {
  readonly unit: Unit;
  readonly what: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What reached the units behind the edge, and how they answer. Shared with the tests: one isolate. */
export const recorded = {
  calls: [] as Call[],
  reports: [] as EdgeRefusals[],
  traffic: [] as EdgeTraffic[],
  waf: [] as EdgeWafRecord[],
  down: new Set<Unit>(),
  /** Session secret → access token by organisation (`-`: none). */
  sessions: new Map<string, (org: OrgId | null) => Promise<string>>(),
  studio: (_request: Request): Response => Response.json({ ok: true }),
  counts: new Map<string, number>(),
  /** The one key that KEYS publishes and {@link accessToken} signs with; another value revokes it. */
  kid: "k1",
  /** How long LIMITS takes to count a block, in milliseconds. */
  countingTakesMs: 0,
};

export function resetRecorded(): void {
  recorded.calls.length = 0;
  recorded.reports.length = 0;
  recorded.traffic.length = 0;
  recorded.waf.length = 0;
  recorded.down.clear();
  recorded.sessions.clear();
  recorded.counts.clear();
  recorded.countingTakesMs = 0;
  recorded.studio = () => Response.json({ ok: true });
}

/** Units that were asked, in order. */
export const asked = (): string[] => recorded.calls.map(({ unit, what }) => `${unit} ${what}`);
export const lastCall = (unit: Unit): Call => {
  const call = recorded.calls.findLast((candidate) => candidate.unit === unit);
  if (call === undefined) throw new Error(`${unit} was not asked`);
  return call;
};

async function record(unit: Unit, what: string, request?: Request): Promise<void> {
  const headers = request === undefined ? {} : Object.fromEntries(request.headers);
  recorded.calls.push({ unit, what, headers, body: request?.body ? await request.text() : "" });
  if (recorded.down.has(unit)) throw new Error(`${unit} is down`);
}
const pathOf = ({ url }: Request): string => new URL(url).pathname + new URL(url).search;

export class RecordingStudio extends WorkerEntrypoint {
  override async fetch(request: Request): Promise<Response> {
    await record("STUDIO", `${request.method} ${pathOf(request)}`, request);
    return recorded.studio(request);
  }
}

export class RecordingAssets extends WorkerEntrypoint {
  override async fetch(request: Request): Promise<Response> {
    await record("ASSETS", `${request.method} ${pathOf(request)}`, request);
    if (request.headers.get("If-None-Match") === '"v1"')
      return new Response(null, { status: 304, headers: { ETag: '"v1"' } });
    const isScript = ["/assets/index-BX3k9_aQ.js", "/download/sentinel-agent.mjs"].includes(pathOf(request));
    const type = isScript ? "text/javascript" : "text/html; charset=utf-8";
    return new Response(isScript ? "run()" : "<!doctype html>", {
      headers: { "Content-Type": type, ETag: '"v1"', "Set-Cookie": "a=b" },
    });
  }
}

export class RecordingGateway extends WorkerEntrypoint {
  override async fetch(request: Request): Promise<Response> {
    await record("DEVICE_GATEWAY", pathOf(request), request);
    // biome-ignore lint/correctness/noUndeclaredVariables: a global of workerd
    const { 0: client, 1: server } = new WebSocketPair();
    server.accept();
    server.addEventListener("message", ({ data }) => server.send(`echo ${data}`));
    return new Response(null, { status: 101, webSocket: client, headers: { "Sec-WebSocket-Protocol": "mqtt" } });
  }
}

export class RecordingSessions extends WorkerEntrypoint {
  async exchange(secret: string, org: OrgId | null, requestId: string, renew = false): Promise<SessionExchangeResult> {
    await record("SESSIONS", `${secret} ${org ?? "-"} ${requestId.slice(0, 4)}${renew ? " renew" : ""}`);
    const token = await recorded.sessions.get(secret)?.(org);
    return token === undefined
      ? { kind: "refused" }
      : { kind: "ok", accessToken: token, expiresAtMs: Date.now() + 3600_000 };
  }
}

export class RecordingLimits extends WorkerEntrypoint {
  async consume(client: string, policies: readonly RatePolicy[]): Promise<RateVerdict> {
    await record("LIMITS", `${client} ${policies.map(({ policy, limit }) => `${policy}:${limit}`).join(" ")}`);
    const has = policies.map(({ policy, limit }) => (recorded.counts.get(`${policy} ${client}`) ?? 0) < limit);
    const allowed = has.every(Boolean);
    const decisions = policies.map(({ policy, limit }) => countUpTo(`${policy} ${client}`, limit, allowed ? 1 : 0));
    return { allowed, decisions: decisions.map(({ decision }, at) => ({ ...decision, allowed: has[at] === true })) };
  }
  async lease(client: string, { policy, limit, windowMs }: RatePolicy, permits: number): Promise<RateLease> {
    await record("LIMITS", `${client} ${policy} ${limit} ${windowMs} ${permits}`);
    if (recorded.countingTakesMs > 0) await new Promise((resolve) => setTimeout(resolve, recorded.countingTakesMs));
    return countUpTo(`${policy} ${client}`, limit, permits);
  }
  async attempt(client: string, { policy, limit }: RatePolicy): Promise<RateAttempt> {
    await record("LIMITS", `${client} attempt ${policy}:${limit}`);
    const { granted, decision } = countUpTo(`${policy} ${client}`, limit, 1);
    return { attempt: granted === 0 ? null : crypto.randomUUID(), decision };
  }
  async settle(client: string, { policy }: RatePolicy, _attempt: string, missed: boolean): Promise<void> {
    await record("LIMITS", `${client} ${missed ? "missed" : "given back"}`);
    const key = `${policy} ${client}`;
    if (!missed) recorded.counts.set(key, (recorded.counts.get(key) ?? 0) - 1);
  }
}

/** Counts without a window: no test takes as long. */
function countUpTo(key: string, limit: number, permits: number): RateLease {
  const used = recorded.counts.get(key) ?? 0;
  const granted = Math.max(0, Math.min(permits, limit - used));
  recorded.counts.set(key, used + granted);
  const decision = { allowed: granted > 0, limit, remaining: limit - used - granted, resetSeconds: 30 };
  return { granted, decision };
}

export class RecordingEvents extends WorkerEntrypoint {
  async report(refusals: readonly EdgeRefusals[]): Promise<void> {
    await record("EDGE_EVENTS", "report");
    recorded.reports.push(...refusals);
  }
  async traffic(rows: readonly EdgeTraffic[]): Promise<void> {
    await record("EDGE_EVENTS", "traffic");
    recorded.traffic.push(...rows);
  }
  async waf(rows: readonly EdgeWafRecord[]): Promise<void> {
    await record("EDGE_EVENTS", "waf");
    recorded.waf.push(...rows);
  }
}

const keyPair = generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });

export class RecordingKeys extends WorkerEntrypoint {
  async accessKeys(): Promise<{ keys: JWK[] }> {
    await record("PUBLIC_KEYS", "accessKeys");
    const { publicKey, privateKey } = await keyPair;
    // The private half beside the public one: a mistake of KeyRing's that must go no further.
    const { d } = await exportJWK(privateKey);
    return { keys: [{ ...(await exportJWK(publicKey)), kid: recorded.kid, alg: "EdDSA", use: "sig", d: d ?? "" }] };
  }
  async meshRoots(): Promise<{ keys: JWK[] }> {
    return { keys: [] };
  }
  async logKeys(): Promise<{ keys: LogKey[] }> {
    await record("PUBLIC_KEYS", "logKeys");
    const key = (fill: number): Uint8Array<ArrayBuffer> => new Uint8Array(32).fill(fill);
    const now = { publicKey: key(2), madeMs: Date.UTC(2026, 1), retiredMs: null, privateKey: key(9) };
    return { keys: [now, { publicKey: key(1), madeMs: 0, retiredMs: Date.UTC(2026, 1) }] };
  }
}

/** Signs an access token as KeyRing would. */
export async function accessToken(
  claims: { sub: string; org: string | null; role: string | null; sid: string },
  changes: { kid?: string; expiresInSeconds?: number; typ?: string } = {},
): Promise<string> {
  const nowSeconds = Math.floor(Date.now() / 1000);
  return await new SignJWT({ org: claims.org, role: claims.role, sid: claims.sid, jti: "j1" })
    .setProtectedHeader({ alg: "EdDSA", kid: changes.kid ?? recorded.kid, typ: changes.typ ?? tokenTypes.access })
    .setIssuer("https://sentinel.test")
    .setAudience(accessTokenAudience)
    .setSubject(claims.sub)
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + (changes.expiresInSeconds ?? 3600))
    .sign((await keyPair).privateKey);
}
