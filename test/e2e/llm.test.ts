import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LlmServer, startLlmServer } from "../support/llm-provider.ts";
import { type Api, signIn } from "./support/api.ts";
import { freshStateDir, removeStateDir, type StackProcess, startStackProcess } from "./support/stack-process.ts";

// The whole stack, and a provider of language models beside it: a question goes through every unit and comes back.

const stateDir = freshStateDir();
const key = "sk-of-the-demo-organisation";
let provider: LlmServer;
let stack: StackProcess;
let owner: Api;

beforeAll(async () => {
  provider = await startLlmServer();
  process.env["LOOPBACK_LLM"] = provider.origin;
  stack = await startStackProcess(stateDir, ["--quiet", "--no-agent", "--limit-scale", "1000"]);
  const { email, password } = stack.description.owner;
  owner = (await signIn(stack.description.url, email, password)).api;
});
afterAll(async () => {
  delete process.env["LOOPBACK_LLM"];
  await stack?.discard();
  await provider?.stop();
  removeStateDir(stateDir);
});

const providers = "/api/v1/orgs/demo/llm/providers";
const settings = (more: object): object => ({
  name: "ours",
  base_url: provider.baseUrl,
  models: [{ name: "small", input_micros_per_million: 1_000_000, output_micros_per_million: 1_000_000 }],
  roles: ["owner"],
  monthly_budget_micros: 100_000,
  key,
  ...more,
});
const chat = "/api/v1/orgs/demo/llm/chat/completions";
const messages = [{ role: "user", content: "mail asha@example.com, then run: SELECT * FROM users; cat /etc/passwd" }];
const echo = { say: (asked: { body: { messages: { content: string }[] } }) => asked.body.messages[0]?.content ?? "" };

describe("a language model, over the whole stack", () => {
  it("is given by an owner, at a host that the platform allows alone", async () => {
    for (const base_url of ["https://models.evil.test/v1", "http://127.0.0.1:1/v1", "https://169.254.169.254/v1"]) {
      const { status, body } = await owner.send("POST", providers, settings({ base_url }));
      expect([status, body["code"]]).toEqual([422, "invalid_request"]);
    }
    const added = await owner.send("POST", providers, settings({}));
    expect(added.status).toBe(201);
    expect(JSON.stringify((await owner.send("GET", providers)).body)).not.toContain(key);
  });

  it("is none of the platform's own where no Workers AI is bound, and it is said whose word is missing", async () => {
    const platform = { kind: "workers_ai", models: [{ name: "small", upstream: "@cf/meta/llama" }] };
    const { base_url: _address, key: _key, ...rest } = settings(platform) as Record<string, unknown>;
    const { status, body } = await owner.send<{ errors: object[] }>("POST", providers, rest);
    expect([status, body.errors]).toEqual([
      422,
      [{ path: "models", message: expect.stringContaining("whoever runs Sentinel offers") }],
    ]);
    expect((await owner.send("GET", providers)).body).toMatchObject({ workers_ai: null });
  });

  it("answers whole, past the firewall whatever is asked about, and never hears whom it was about", async () => {
    provider.deeds = [echo];
    const { status, body } = await owner.send("POST", chat, { model: "small", messages });
    expect([status, body["object"]]).toEqual([200, "chat.completion"]);
    expect(JSON.stringify(body)).toContain("asha@example.com");
    expect(provider.asked.at(-1)?.key).toBe(key);
    expect(JSON.stringify(provider.asked)).not.toContain("asha@");
  });

  it("answers in events while it speaks, with the mask taken off across their borders", async () => {
    provider.deeds = [{ ...echo, pieces: 50 }];
    const response = await fetch(`${owner.base}${chat}`, {
      method: "POST",
      headers: { Authorization: `Bearer ${owner.token}`, "Content-Type": "application/json" },
      body: JSON.stringify({ model: "small", messages, stream: true }),
    });
    expect([response.status, response.headers.get("Content-Type")]).toEqual([200, "text/event-stream"]);
    const events = (await response.text()).split("\n\n").filter((event) => event !== "");
    expect(events.length).toBeGreaterThan(20);
    expect(events.at(-1)).toBe("data: [DONE]");
    const said = events.slice(0, -1).map((event) => JSON.parse(event.slice(6)).choices[0]?.delta.content ?? "");
    expect(said.join("")).toBe(messages[0]?.content);
  });

  it("shows its first words before it has said its last", async () => {
    provider.deeds = ["never end"];
    const gone = new AbortController();
    const response = await fetch(`${owner.base}${chat}`, {
      method: "POST",
      headers: { Authorization: `Bearer ${owner.token}`, "Content-Type": "application/json" },
      body: JSON.stringify({ model: "small", messages, stream: true }),
      signal: gone.signal,
    });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let heard = "";
    while (!heard.includes("as I was")) heard += (await reader?.read())?.value ?? "";
    gone.abort();
    await expect.poll(() => provider.open(), { timeout: 60_000 }).toBe(0);
  });

  it("makes vectors of texts that name nobody", async () => {
    provider.deeds = [{ say: "", usage: { prompt_tokens: 7, total_tokens: 7 } }];
    const input = ["mail asha@example.com", "SELECT * FROM users; cat /etc/passwd"];
    const { status, body } = await owner.send("POST", "/api/v1/orgs/demo/llm/embeddings", { model: "small", input });
    expect([status, body]).toMatchObject([
      200,
      { object: "list", data: [{ index: 0 }, { index: 1 }], usage: { total_tokens: 7 } },
    ]);
    expect(provider.asked.at(-1)?.body.input).toEqual(["mail [EMAIL_1]", input[1]]);
  });

  it("is spoken to in Anthropic's own format, whole and in events, under its own headers", async () => {
    const added = await owner.send("POST", providers, {
      ...settings({ name: "theirs", kind: "anthropic", key: "sk-ant-of-the-demo" }),
      models: [{ name: "claude", input_micros_per_million: 1_000_000, output_micros_per_million: 1_000_000 }],
    });
    expect(added.status).toBe(201);
    provider.deeds = [{ ...echo, pieces: 50 }];
    const whole = await owner.send("POST", chat, { model: "claude", messages });
    expect([whole.status, JSON.stringify(whole.body).includes("asha@example.com")]).toEqual([200, true]);
    const { path, headers, key: theirs, body } = provider.asked.at(-1) ?? {};
    expect([path, theirs, headers?.authorization, body.max_tokens]).toEqual([
      "/v1/messages",
      "sk-ant-of-the-demo",
      undefined,
      1024,
    ]);
    const response = await fetch(`${owner.base}${chat}`, {
      method: "POST",
      headers: { Authorization: `Bearer ${owner.token}`, "Content-Type": "application/json" },
      body: JSON.stringify({ model: "claude", messages, stream: true }),
    });
    const events = (await response.text()).split("\n\n").filter((event) => event !== "");
    expect([events.length > 20, events.at(-1)]).toEqual([true, "data: [DONE]"]);
    const said = events.slice(0, -1).map((event) => JSON.parse(event.slice(6)).choices[0]?.delta.content ?? "");
    expect(said.join("")).toBe(messages[0]?.content);
    expect(JSON.stringify(provider.asked.map((asked) => asked.body))).not.toContain("asha@");
  });

  it("has its key rotated, looked at and revoked by its provider's name alone", async () => {
    const keys = "/api/v1/orgs/demo/llm/keys/theirs";
    const before = await owner.send("GET", keys);
    expect(before.body).toMatchObject({ provider: "theirs", state: "good", previous_key: null });
    const rotated = await owner.send("PUT", keys, { key: "sk-ant-the-next" });
    expect(rotated.body).toMatchObject({ previous_key: { fingerprint: before.body["fingerprint"] } });
    provider.deeds = [echo];
    await owner.send("POST", chat, { model: "claude", messages });
    expect(provider.asked.at(-1)?.key).toBe("sk-ant-the-next");
    expect(JSON.stringify([before.body, rotated.body])).not.toContain("sk-ant");
    expect((await owner.send("DELETE", keys)).status).toBe(204);
    expect((await owner.send("POST", chat, { model: "claude", messages })).status).toBe(422);
    expect((await owner.send("GET", keys)).status).toBe(404);
  });

  it("is made by a well-known name, at its own address", async () => {
    const { status, body } = await owner.send("PUT", "/api/v1/orgs/demo/llm/keys/anthropic", {
      key: "sk-ant-of-nobody",
    });
    expect([status, body]).toMatchObject([200, { provider: "anthropic", state: "good" }]);
    const listed = await owner.send<{ items: { name: string; base_url: string; kind: string }[] }>("GET", providers);
    expect(listed.body.items.find(({ name }) => name === "anthropic")).toMatchObject({
      base_url: "https://api.anthropic.com/v1",
      kind: "anthropic",
    });
    await owner.send("DELETE", "/api/v1/orgs/demo/llm/keys/anthropic");
  });

  it("is counted by person, and stops where the budget does", async () => {
    const { body } = await owner.send<{ items: { requests: number }[] }>("GET", "/api/v1/orgs/demo/llm/usage");
    expect(body.items.length).toBe(2);
    const large = { model: "small", messages, max_tokens: 32_768 };
    const budget = {
      model: "small",
      messages: Array.from({ length: 20 }, () => ({ role: "user", content: "x".repeat(5_000) })),
    };
    const refused = await owner.send("POST", chat, { ...large, ...budget });
    expect([refused.status, refused.body["code"], refused.body["error"]]).toEqual([
      403,
      "llm_budget_spent",
      expect.objectContaining({ type: "insufficient_quota" }),
    ]);
  });
});
