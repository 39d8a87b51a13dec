/** Language models at the API's door: what it takes, what it passes on, and how it refuses. */
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { LlmResult } from "../../../core/rpc/llm.ts";
import { asSuperuser } from "../support.ts";
import { createHarness, type Harness } from "./harness.ts";

let studio: Harness;
let org: Awaited<ReturnType<Harness["newOrg"]>>;
/** What the capability answers to the next question; null: what the stand-in does. */
let completed: (() => LlmResult<unknown>) | null = null;
beforeAll(async () => {
  studio = await createHarness((services) => ({
    ...services,
    llm: {
      ...services.llm,
      complete: async (...given) => {
        const usual = await services.llm.complete(...given);
        return completed === null ? usual : (completed() as typeof usual);
      },
    },
  }));
  org = await studio.newOrg();
});
beforeEach(() => {
  completed = null;
  studio.standIns.calls.length = 0;
});

const at = (rest: string): string => `/api/v1/orgs/${org.slug}/llm${rest}`;
const hello = { model: "small", messages: [{ role: "user", content: "hello" }] };
const ask = (body: object, headers: Record<string, string> = {}) =>
  studio.send("POST", at("/chat/completions"), { body, headers, token: org.owner.token });
const asked = (method: string) =>
  studio.standIns.calls.filter((call) => call.method === method).map(({ args }) => args);

describe("a question to a model", () => {
  it("is passed on as it was understood, with the names that are to be masked", async () => {
    const content = [
      { type: "text", text: "one" },
      { type: "text", text: "two" },
    ];
    const full = { ...hello, messages: [{ role: "user", content }], stream: true, temperature: 0.5, stop: "END" };
    expect((await ask({ ...full, stream_options: { include_usage: true }, max_tokens: 7, n: 1 })).status).toBe(200);
    const understood = {
      model: "small",
      messages: [{ role: "user", content: "one\ntwo" }],
      stream: true,
      includeUsage: true,
      maxTokens: 7,
      sampling: { temperature: 0.5, stop: ["END"] },
    };
    expect(asked("complete")).toEqual([
      [understood, { names: ["A Person"], monthMicrosMax: 10_000_000, operatorMicrosMax: 0 }],
    ]);
  });

  it.each([
    { tools: [] },
    { n: 2 },
    { user: "asha@example.com" },
    { metadata: { name: "Asha" } },
    { logit_bias: {} },
    { messages: [] },
    { messages: [{ role: "tool", content: "x" }] },
    { messages: [{ role: "user", content: "x", name: "Asha" }] },
    { messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "https://x.test" } }] }] },
    { messages: Array.from({ length: 5 }, () => ({ role: "user", content: "x".repeat(50_000) })) },
    { max_tokens: 0 },
    { max_completion_tokens: 32_769 },
    { response_format: { type: "json_schema", json_schema: {} } },
    { stop: ["x".repeat(65)] },
  ])("that holds what can't be masked or bounded goes nowhere: %o", async (wrong) => {
    const { status, body } = await ask({ ...hello, ...wrong });
    expect([status, body.code]).toEqual([422, "invalid_request"]);
    expect(asked("complete")).toEqual([]);
  });

  it("gets server-sent events as they come, once they are on record, and none of them is kept for a retry", async () => {
    const pieces = ["data: 1\n\n", "data: [DONE]\n\n"];
    let made = 0;
    completed = () => {
      made += 1;
      return { ok: true, value: { kind: "stream", provider: "llm_x", events: new Blob(pieces).stream() } };
    };
    const headers = { "Idempotency-Key": "the-same" };
    const first = await ask({ ...hello, stream: true }, headers);
    expect([first.status, first.headers.get("Content-Type"), first.text]).toEqual([
      200,
      "text/event-stream",
      pieces.join(""),
    ]);
    expect(studio.audit.of(first.requestId).map(({ phase }) => phase)).toEqual(["intent", "outcome"]);
    expect((await ask({ ...hello, stream: true }, headers)).text).toBe(pieces.join(""));
    expect(made).toBe(2);
  });

  it.each([
    ["model_unknown", 422, "invalid_request", "invalid_request_error"],
    ["request_refused", 422, "invalid_request", "invalid_request_error"],
    ["budget_spent", 403, "llm_budget_spent", "insufficient_quota"],
    ["plan_spent", 403, "quota_exceeded", "insufficient_quota"],
    ["key_due", 403, "llm_key_due", "api_error"],
    ["providers_failed", 503, "llm_unavailable", "server_error"],
    ["key_unavailable", 503, "key_unavailable", "api_error"],
  ] as const)(
    "that comes to %s is refused as a problem that OpenAI's libraries read too",
    async (code, status, problem, type) => {
      completed = () => ({ ok: false, code });
      const { status: given, body } = await ask(hello);
      expect([given, body.code, body.error]).toEqual([
        status,
        problem,
        { message: expect.any(String), type, param: code === "model_unknown" ? "model" : null, code: problem },
      ]);
    },
  );
});

describe("texts for vectors", () => {
  const embed = (more: object, headers: Record<string, string> = {}) =>
    studio.send("POST", at("/embeddings"), {
      body: { model: "small", input: "hello", ...more },
      headers,
      token: org.owner.token,
    });

  it("are passed on as they were understood, with the names that are to be masked and what the plan allows", async () => {
    const { status, headers, body } = await embed({});
    expect([status, headers.get("Content-Type"), body]).toEqual([200, "application/json", { data: [] }]);
    expect((await embed({ input: ["a", "b"], dimensions: 7, encoding_format: "base64" })).status).toBe(200);
    const asking = { names: ["A Person"], monthMicrosMax: 10_000_000, operatorMicrosMax: 0 };
    expect(asked("embed")).toEqual([
      [{ model: "small", texts: ["hello"], dimensions: null, encoding: "float" }, asking],
      [{ model: "small", texts: ["a", "b"], dimensions: 7, encoding: "base64" }, asking],
    ]);
  });

  it.each([
    { input: "" },
    { input: [] },
    { input: ["a", ""] },
    { input: [1, 2, 3] },
    { input: [[1, 2, 3]] },
    { input: Array(257).fill("a") },
    { input: "x".repeat(65_537) },
    { input: Array(5).fill("x".repeat(50_000)) },
    { dimensions: 0 },
    { encoding_format: "int8" },
    { user: "asha@example.com" },
  ])("that can't be masked or bounded go nowhere: %#", async (wrong) => {
    const { status, body } = await embed(wrong);
    expect([status, body.code]).toEqual([422, "invalid_request"]);
    expect(asked("embed")).toEqual([]);
  });

  it("are on record, and not kept for a retry", async () => {
    const headers = { "Idempotency-Key": "of-vectors" };
    const first = await embed({}, headers);
    expect(studio.audit.of(first.requestId).map(({ phase }) => phase)).toEqual(["intent", "outcome"]);
    expect((await embed({}, headers)).status).toBe(200);
    expect(asked("embed")).toHaveLength(2);
  });
});

describe("a key by its provider's name", () => {
  const path = (): string => at("/keys/school-models");
  const send = (method: string, body?: object) => studio.send(method, path(), { body, token: org.owner.token });

  it("is shown as what may be seen of it", async () => {
    const { status, body } = await send("GET");
    expect([status, body]).toMatchObject([
      200,
      { provider: "ours", fingerprint: "0123456789abcdef", state: "blocked" },
    ]);
    expect(asked("namedKey")).toEqual([["school-models"]]);
  });

  it("is given, and ends the one before where that leaked", async () => {
    const given = await send("PUT", { key: "sk-the-very-secret", keep_previous_key: false });
    expect(given.status).toBe(200);
    expect(given.text).not.toContain("secret");
    expect(asked("putNamedKey")).toEqual([["school-models", "sk-the-very-secret", false]]);
    for (const wrong of [
      {},
      { key: "short" },
      { key: "with a blank" },
      { key: "sk-some-key", base_url: "https://x.test" },
    ])
      expect((await send("PUT", wrong)).status).toBe(422);
  });

  it("is made on record as a provider and as a key, and revoked so", async () => {
    const leaves = async (method: string, name: string, body?: object) => {
      const sent = await studio.send(method, at(`/keys/${name}`), { body, token: org.owner.token });
      return JSON.stringify(studio.audit.of(sent.requestId));
    };
    const made = await leaves("PUT", "new", { key: "sk-some-key" });
    expect([made.includes('"created"'), made.includes('"llm_provider"')]).toEqual([true, true]);
    const revoked = await leaves("DELETE", "new");
    expect([revoked.includes('"revoked"'), revoked.includes('"llm_provider"')]).toEqual([true, true]);
  });

  it.each(["a%20b", "%2e%2e", "a".repeat(65), "-a"])("of %s is at no path", async (name) => {
    expect((await studio.send("GET", at(`/keys/${name}`), { token: org.owner.token })).status).toBe(404);
    expect(asked("namedKey")).toEqual([]);
  });

  it.each(["analyst", "viewer", "readonly"] as const)("is nothing for a %s", async (role) => {
    const member = await studio.newMember(org, role);
    for (const [method, body] of [["GET"], ["PUT", { key: "sk-some-key" }], ["DELETE"]] as const)
      expect((await studio.send(method, path(), { body, token: member.token })).status).toBe(403);
    expect(["namedKey", "putNamedKey", "revokeNamedKey"].flatMap(asked)).toEqual([]);
  });
});

describe("a provider", () => {
  const provider = {
    name: "ours",
    base_url: "https://api.openai.com/v1",
    models: [{ name: "small", input_micros_per_million: 1, output_micros_per_million: 2 }],
    roles: ["owner"],
    monthly_budget_micros: 5,
  };
  const add = (more: object) =>
    studio.send("POST", at("/providers"), { body: { ...provider, ...more }, token: org.owner.token });

  it("masks and has a week of grace unless somebody says otherwise", async () => {
    expect((await add({ key: "sk-some-key" })).status).toBe(201);
    const [[settings, key] = []] = asked("addProvider");
    expect(settings).toMatchObject({ masks: true, graceDays: 7, place: 0, baseUrl: provider.base_url });
    expect(key).toBe("sk-some-key");
  });

  it.each([
    { key: undefined },
    { key: "short" },
    { key: "with a blank" },
    { key: "line\r\nX-Header: x" },
    { key: "sk-some-key", roles: ["readonly"] },
    { key: "sk-some-key", models: [] },
    { key: "sk-some-key", models: [...provider.models, ...provider.models] },
    { key: "sk-some-key", monthly_budget_micros: 0.5 },
    { key: "sk-some-key", monthly_budget_micros: -1 },
    { key: "sk-some-key", grace_days: 31 },
    { key: "sk-some-key", fingerprint: "0123456789abcdef" },
  ])("that is not whole is added nowhere: %o", async (wrong) => {
    const { status, text } = await add(wrong);
    expect(status).toBe(422);
    expect(text).not.toContain("sk-some-key");
    expect(asked("addProvider")).toEqual([]);
  });
});

describe("a provider without a key", () => {
  const provider = {
    name: "ours",
    kind: "workers_ai",
    models: [{ name: "small", upstream: "@cf/meta/llama" }],
    roles: ["owner"],
    monthly_budget_micros: 5,
  };
  const add = (more: object) =>
    studio.send("POST", at("/providers"), { body: { ...provider, ...more }, token: org.owner.token });

  it.each([
    [{ key: "sk-some-key" }, "key"],
    [{ base_url: "https://api.openai.com/v1" }, "base_url"],
    [{ grace_days: 0 }, "grace_days"],
    [{ models: [{ ...provider.models[0], input_micros_per_million: 0 }] }, "models.0.input_micros_per_million"],
    [{ kind: "openai", key: "sk-some-key", models: [{ name: "small" }] }, "base_url"],
    [{ kind: "anthropic", base_url: "https://api.anthropic.com/v1", key: undefined }, "key"],
    [{ kind: "openai", base_url: "https://x.test", key: "sk-some-key" }, "models.0.output_micros_per_million"],
  ])("is refused with what is another kind's, by its field: %j", async (wrong, path) => {
    const { status, body } = await add(wrong);
    expect([status, body.errors.map((error: { path: string }) => error.path)]).toEqual([
      422,
      expect.arrayContaining([path]),
    ]);
    expect(asked("addProvider")).toEqual([]);
  });

  it("is added on no plan that has none of it, and on another one leaves no key on record", async () => {
    // Nothing is offered here, and that is said first.
    expect((await add({})).status).toBe(422);
    expect(asked("addProvider")).toEqual([]);
    await asSuperuser("UPDATE control.organisations SET plan = 'school' WHERE id = $1", [org.id]);
    const added = await add({});
    expect(added.status).toBe(201);
    const [[settings, key] = []] = asked("addProvider");
    expect([settings, key]).toMatchObject([{ kind: "workers_ai", baseUrl: null, graceDays: null }, null]);
    const record = JSON.stringify(studio.audit.of(added.requestId));
    expect([record.includes("key_change"), record.includes("llm_provider")]).toEqual([false, true]);
  });
});
