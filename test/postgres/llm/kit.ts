/** The llm capability in Node: real Postgres, real signatures, and providers on loopback by real requests. */
import { randomBytes } from "node:crypto";
import type { OrgId, UserId } from "../../../core/ids.ts";
import type { ChatRequest } from "../../../core/llm/chat.ts";
import type { EmbeddingRequest } from "../../../core/llm/embeddings.ts";
import type { PlatformPrices } from "../../../core/llm/platform-models.ts";
import { type KeyedSettings, type PlatformSettings, parseProviderAddress } from "../../../core/llm/provider.ts";
import type { SignedCall } from "../../../core/mesh/claims.ts";
import type { Completion, Embedded, KeyedLlmProvider, LlmProvider, LlmResult, LlmRpc } from "../../../core/rpc/llm.ts";
import type { Role } from "../../../core/tenancy/roles.ts";
import { createLlm } from "../../../workers/capabilities/llm/llm.ts";
import { createProviderFetch } from "../../../workers/capabilities/llm/provider-fetch.ts";
import { createTenantConnections } from "../../../workers/capabilities/tenant-connections.ts";
import type { DataEnv } from "../../../workers/data/config.ts";
import { connectionForCall } from "../../../workers/data/credentials/for-tenant.ts";
import { createUnit } from "../../../workers/data/unit.ts";
import { type RealAi, startRealAi } from "../../support/ai-binding.ts";
import { type LlmServer, startLlmServer } from "../../support/llm-provider.ts";
import { createTestMesh, newId, type TestMesh } from "../../unit/capabilities/mesh.ts";
import { testTenantKeys } from "../capabilities/data-keys.ts";
import { dataVariables, gateway } from "../support.ts";

export interface Person {
  readonly user: UserId;
  readonly role: Role;
}
export const personOf = (role: Role): Person => ({ user: newId("user"), role });

export interface LlmKit {
  readonly mesh: TestMesh;
  readonly llm: LlmRpc;
  /** Two providers. */
  readonly servers: readonly [LlmServer, LlmServer];
  /** What stands behind the AI binding, where there is one. */
  readonly ai: LlmServer | null;
  /** Written by tests: what the operator lists of the platform's own models; null: there is no binding. */
  platformPrices: PlatformPrices | null;
  as(org: OrgId, person: Person, audience?: "capabilities.llm" | "capabilities.documents"): Promise<SignedCall>;
  add(org: OrgId, by: Person, change?: Partial<KeyedSettings>, key?: string): Promise<KeyedLlmProvider>;
  /** One of the platform's own models, without a key. */
  addPlatform(org: OrgId, by: Person, change?: Partial<PlatformSettings>): Promise<LlmProvider>;
  ask(org: OrgId, by: Person, change?: Partial<ChatRequest>, names?: readonly string[]): Promise<LlmResult<Completion>>;
  embed(
    org: OrgId,
    by: Person,
    change?: Partial<EmbeddingRequest>,
    names?: readonly string[],
  ): Promise<LlmResult<Embedded>>;
  /** Written by tests: what the plan allows in a month, in micro-dollars. */
  readonly plan: { monthMicrosMax: number; operatorMicrosMax: number };
  stop(): Promise<void>;
}

/** One micro-dollar a token, so that what it costs is what it counts. */
export const model = { name: "small", upstream: "small-1", inputMicros: 1_000_000, outputMicros: 1_000_000 };

/** @param given `ai`: with workerd's own AI binding, for tests that ask through it */
export async function createLlmKit(given: { readonly ai?: boolean } = {}): Promise<LlmKit> {
  const mesh = await createTestMesh();
  const studio = mesh.callerOf("studio");
  const caller = mesh.callerOf("capabilities");
  const keySets: Readonly<Record<string, unknown>> = { roots: mesh.rootKeys, access: mesh.accessKeys };
  const namespace = { get: async (name: string) => JSON.stringify({ keys: keySets[name] }) };
  const unit = await createUnit(
    { ...dataVariables, MESH_ROOTS: namespace as unknown as DataEnv["MESH_ROOTS"] },
    Date.now,
  );
  const servers = [await startLlmServer(), await startLlmServer()] as const;
  const loopback = new Set(servers.map(({ origin }) => origin));
  const hosts = new Set(["api.openai.com", "api.anthropic.com"]);
  // Long enough for a machine that is busy, short enough to be waited for.
  const times = { beginMsMax: 2_000, idleMsMax: 2_000, wholeMsMax: 20_000 };
  const ai = given.ai === true ? await startLlmServer() : null;
  const real: RealAi | null = ai === null ? null : await startRealAi(ai.origin);
  const self: { platformPrices: PlatformPrices | null } = { platformPrices: platformPrices(1, 1) };
  const llm = createLlm({
    get platform() {
      return self.platformPrices === null ? null : (real?.models(self.platformPrices, times) ?? null);
    },
    keys: mesh.keys,
    connections: createTenantConnections({
      credentials: { forTenant: (call: SignedCall) => connectionForCall(unit, call) },
      caller,
      now: Date.now,
    }),
    dataKeys: testTenantKeys(Promise.resolve(unit), caller).of,
    fetchProvider: createProviderFetch(fetch, hosts, loopback, times),
    mayCall: (baseUrl) => parseProviderAddress(baseUrl, hosts, loopback) !== null,
    gateway,
    now: Date.now,
    randomBytes: (length) => Uint8Array.from(randomBytes(length)),
  });
  const plan = { monthMicrosMax: 100_000_000, operatorMicrosMax: 100_000_000 };
  const as: LlmKit["as"] = async (org, { user, role }, audience = "capabilities.llm") =>
    studio.asUser(audience, await mesh.accessToken({ user, org, role }), newId("request"));
  return Object.assign(self, {
    mesh,
    llm,
    servers,
    ai,
    as,
    async add(org, by, change = {}, key = `sk-${newId("request")}`) {
      const added = accepted(await llm.addProvider(await as(org, by), settings(servers[0], change), key));
      if (added.key === null) throw new Error("it has no key");
      return added;
    },
    async addPlatform(org, by, change = {}) {
      return accepted(await llm.addProvider(await as(org, by), platformSettings(change), null));
    },
    async ask(org, by, change = {}, names = []) {
      return llm.complete(await as(org, by), { ...request, ...change }, { names, ...plan });
    },
    async embed(org, by, change = {}, names = []) {
      const asked = { model: "small", texts: ["hello"], dimensions: null, encoding: "float" as const, ...change };
      return llm.embed(await as(org, by), asked, { names, ...plan });
    },
    plan,
    async stop() {
      await real?.stop();
      await Promise.all([...servers, ai].map((server) => server?.stop()));
    },
  } satisfies Omit<LlmKit, "platformPrices">);
}

/** Dollars for a million tokens. */
export const platformPrices = (input: number, output: number): PlatformPrices =>
  new Map([["@cf/meta/llama", { inputMicros: input * 1_000_000, outputMicros: output * 1_000_000 }]]);

export const platformSettings = (change: Partial<PlatformSettings> = {}): PlatformSettings => ({
  name: "platform",
  kind: "workers_ai",
  baseUrl: null,
  // A price that an organisation says itself is nobody's: nothing at all, here.
  models: [{ name: "small", upstream: "@cf/meta/llama", inputMicros: 0, outputMicros: 0 }],
  roles: ["owner", "admin", "analyst", "viewer"],
  monthlyBudgetMicros: 1_000_000,
  place: 0,
  masks: true,
  graceDays: null,
  ...change,
});

export const settings = (server: LlmServer, change: Partial<KeyedSettings> = {}): KeyedSettings => ({
  name: "first",
  kind: "openai",
  baseUrl: server.baseUrl,
  models: [model],
  roles: ["owner", "admin", "analyst", "viewer"],
  monthlyBudgetMicros: 1_000_000,
  place: 0,
  masks: true,
  graceDays: 7,
  ...change,
});

const request: ChatRequest = {
  model: "small",
  messages: [{ role: "user", content: "hello" }],
  stream: false,
  includeUsage: false,
  maxTokens: 10,
  sampling: {},
};

/** What a request of these words reserves, in micro-dollars. */
export const reservedFor = (text: string, maxTokens = 10): number => 16 + 16 + text.length + maxTokens;

/** The value of a result that must be one. */
export function accepted<T>(result: LlmResult<T>): T {
  if (!result.ok) throw new Error(`refused: ${result.code}`);
  return result.value;
}
/** The code of a refusal. */
export const codeOf = (result: LlmResult<unknown>): string => (result.ok ? "ok" : result.code);

/** What an answer says, however it comes. */
export async function said(result: LlmResult<Completion>): Promise<string> {
  const value = accepted(result);
  if (value.kind === "whole") return String(JSON.parse(value.json).choices[0].message.content);
  const chunks = await eventsOf(value.events);
  return chunks
    .map((chunk) => (chunk === "[DONE]" ? "" : (JSON.parse(chunk).choices?.[0]?.delta.content ?? "")))
    .join("");
}

/** The data of a stream's events. */
export async function eventsOf(stream: ReadableStream<Uint8Array>): Promise<string[]> {
  const text = await new Response(stream).text();
  return text
    .split("\n\n")
    .filter((part) => part !== "")
    .map((part) => part.replace(/^data: /, ""));
}

/** The providers of a list. */
export const listed = (result: Awaited<ReturnType<LlmRpc["listProviders"]>>): readonly LlmProvider[] =>
  accepted(result).providers;
