import { describe, expect, it } from "vitest";
import type { Env } from "../../../workers/edge/env.ts";
import { gates } from "../../../workers/edge/gates/index.ts";
import { rules } from "../../../workers/edge/gates/waf/rules/index.ts";
import { handle } from "../../../workers/edge/handle.ts";
import { createIsolate } from "../../../workers/edge/isolate.ts";
import { bareEnv, nowMs, requestId } from "./contexts.ts";

/** Sends a request through all gates; nobody behind them may be asked. */
async function send(path: string, init: RequestInit = {}): Promise<Response> {
  const env = bareEnv({ FLOOD: { limit: async () => ({ success: true }) } as Env["FLOOD"] });
  const request = new Request(`https://s.example${path}`, init);
  Object.defineProperty(request, "cf", { value: { country: "IN", tlsVersion: "TLSv1.3" } });
  return handle({ request, env, isolate: createIsolate(env, () => nowMs), requestId, nowMs }, gates);
}
const post = (path: string, type: string, body: BodyInit): Promise<Response> =>
  send(path, { method: "POST", headers: { "Content-Type": type }, body });
const outcome = async (answer: Promise<Response>): Promise<string> => {
  const { status, body } = { status: (await answer).status, body: (await (await answer).json()) as { code: string } };
  return `${status} ${body.code}`;
};
const attack = "' OR 1=1 --";
const formType = "application/x-www-form-urlencoded";

describe("a refusal", () => {
  it("is a problem with a code, says which gate it was, and nothing of why", async () => {
    const answer = await send(`/?q=${encodeURIComponent(attack)}`);
    expect([answer.status, answer.headers.get("X-Sentinel-Waf")]).toEqual([403, "block"]);
    expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
    const text = await answer.text();
    expect(JSON.parse(text)).toEqual({
      type: expect.any(String),
      title: "The request looks like an attack",
      status: 403,
      code: "waf_denied",
      request_id: requestId,
    });
    for (const { id } of rules) expect(text).not.toContain(id);
    expect(JSON.stringify([...answer.headers])).not.toMatch(/sqli|score/);
  });

  it("does not stand on an answer that was refused for something else", async () => {
    expect((await send("/nowhere")).headers.get("X-Sentinel-Waf")).toBeNull();
  });
});

describe("the gate", () => {
  it("judges what is sent to a path that is not there", async () => {
    expect(await outcome(post("/nowhere", formType, `a=${encodeURIComponent(attack)}`))).toBe("403 waf_denied");
    expect(await outcome(post("/nowhere", formType, "a=b"))).toBe("404 not_found");
    expect(await outcome(post("/", "application/json", JSON.stringify({ q: attack })))).toBe("403 waf_denied");
    expect(await outcome(post("/", "application/json", JSON.stringify({ q: "O'Brien" })))).toBe(
      "405 method_not_allowed",
    );
  });

  it("judges a body first and then asks whether it is of a form that a route takes", async () => {
    const login = "/api/v1/auth/login";
    expect(await outcome(post(login, formType, `email=${encodeURIComponent(attack)}`))).toBe("403 waf_denied");
    expect(await outcome(post(login, formType, "email=a"))).toBe("415 unsupported_media_type");
    expect(await outcome(post(login, "text/plain", '{"email":"a"}'))).toBe("415 unsupported_media_type");
    expect(await outcome(post(login, "application/json; charset=utf-16", "{}"))).toBe("415 unsupported_media_type");
    expect(await outcome(post(login, "application/json", `{"email":"${attack}"`))).toBe("403 waf_denied");
    expect(await outcome(post(login, "application/json", '{"email":'))).toBe("400 invalid_json");
    expect(await outcome(post(login, "application/json", new Uint8Array([0x22, 0xff, 0x22])))).toBe("400 invalid_json");
  });

  it("takes a password as it is", async () => {
    const body = JSON.stringify({ email: "o'brien@s.example", password: `${attack}<script>alert(1)</script>` });
    expect(await outcome(post("/api/v1/auth/login", "application/json", body))).not.toBe("403 waf_denied");
  });
});
