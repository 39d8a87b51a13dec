import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { onlyCountries, plainGeoPolicy } from "../../../core/tenancy/geo-policy.ts";
import type { Env } from "../../../workers/edge/env.ts";
import { gates } from "../../../workers/edge/gates/index.ts";
import { handle } from "../../../workers/edge/handle.ts";
import worker from "../../../workers/edge/index.ts";
import { createIsolate } from "../../../workers/edge/isolate.ts";
import { pageContentPolicy } from "../../../workers/edge/response-headers.ts";
import { bareEnv, nowMs, orgId, orgPolicy, requestId } from "./contexts.ts";

const open: Partial<Env> = { FLOOD: { limit: async () => ({ success: true }) } as Env["FLOOD"] };

async function ask(path: string, changes: Partial<Env>, headers: Record<string, string> = {}): Promise<string> {
  const env = bareEnv({ ...open, ...changes });
  const request = new Request(`https://s.example${path}`, { headers });
  Object.defineProperty(request, "cf", { value: { country: "IN", tlsVersion: "TLSv1.3" } });
  const isolate = createIsolate(env, () => nowMs);
  const answer = await handle({ request, env, isolate, requestId, nowMs }, gates);
  const { code } = (await answer.json()) as { code?: string };
  return `${answer.status} ${code}`;
}
const broken = async (): Promise<never> => {
  throw new Error("down");
};

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
});
afterEach(() => vi.restoreAllMocks());

describe("one request", () => {
  it("is refused when the policies can't be read", async () => {
    expect(await ask("/o/demo", { POLICIES: { get: broken } as unknown as Env["POLICIES"] })).toBe("503 unavailable");
  });

  it("is refused when the flood binding does not answer", async () => {
    expect(await ask("/nowhere", { FLOOD: { limit: broken } as Env["FLOOD"] })).toBe("503 unavailable");
  });

  it("is refused when its address is none", async () => {
    expect(await ask("/healthz", {}, { "CF-Connecting-IP": "unknown" })).toBe("400 malformed_request");
  });

  it("reads the policy before the gates and nothing else", async () => {
    const texts: Record<string, string> = {
      "slug:demo": orgId,
      [`org:${orgId}`]: JSON.stringify(orgPolicy({ geo: plainGeoPolicy(onlyCountries(["DE"])) })),
    };
    const POLICIES = { get: async (key: string) => texts[key] ?? null } as unknown as Env["POLICIES"];
    expect(await ask("/o/demo", { POLICIES })).toBe("403 geo_denied");
  });
});

describe("a broken configuration", () => {
  it.each([{ LIMIT_SCALE: "many" }, { PACE: "0" }, { PACE: "fast" }])("refuses everything: %j", async (broken) => {
    const context = { waitUntil: () => undefined, passThroughOnException: () => expect.unreachable("failed open") };
    const fetch = worker.fetch as (request: Request, env: Env, ctx: unknown) => Promise<Response>;
    const answer = await fetch(new Request("https://s.example/healthz"), bareEnv({ ...open, ...broken }), context);
    expect([answer.status, answer.headers.get("X-Content-Type-Options")]).toEqual([503, "nosniff"]);
    expect(answer.headers.get("X-Request-Id")).toMatch(/^req_/);
  });
});

describe("the content policy of a page", () => {
  it("names the socket of its own origin", () => {
    expect(pageContentPolicy("http://localhost:8787")).toContain("connect-src 'self' ws://localhost:8787;");
    expect(pageContentPolicy("https://[::1]:8787")).toContain("connect-src 'self' wss://[::1]:8787;");
  });

  it("can't be extended by a host name", () => {
    expect(pageContentPolicy("http://a;script-src")).toContain("connect-src 'self'; form-action");
  });
});
