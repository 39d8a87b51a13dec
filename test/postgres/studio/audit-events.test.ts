import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AuditFields } from "../../../core/audit/events.ts";
import { jcs } from "../../../core/audit/leaf.ts";
import { parseAuditFields } from "../../../core/audit/parse.ts";
import { stepUpMsMax } from "../../../core/limits.ts";
import type { RouteName, RouteSpec } from "../../../core/routes.ts";
import { decide } from "../../../workers/studio/rbac/decide.ts";
import { type RealProvider, startRealProvider } from "../../support/real-provider.ts";
import { bodyOf as bodyInShape } from "../../support/route-inputs.ts";
import { type Account, createHarness, type Harness, operatorToken, type Sent } from "./harness.ts";
import { createOutsideKit, type OutsideKit, redirectUri } from "./outside-kit.ts";
import type { RecordedEvent } from "./recorded-audit.ts";
import { startSupabaseProject } from "./supabase-project.ts";
import { bodyOf, queryOf, served, targetOf, tokenFor } from "./walk-kit.ts";
import { inOneEvent, leaves, walkedElsewhere } from "./walk-leaves.ts";
import { type Arrange, createArrangements } from "./walk-successes.ts";

let real: RealProvider;
let people: Awaited<ReturnType<typeof startSupabaseProject>>;
let kit: OutsideKit;
/** Another studio, whose clock no provider must agree with. */
let plain: Harness;
let arrangements: Partial<Record<RouteName, Arrange>>;
/** Everything secret that was sent or answered. */
const secrets = new Set<string>();
beforeAll(async () => {
  real = await startRealProvider(redirectUri);
  people = await startSupabaseProject();
  kit = await createOutsideKit([real.issuer, people.origin]);
  plain = await createHarness();
  for (const studio of [kit.studio, plain]) listen(studio);
  arrangements = createArrangements(kit, real, people);
});
afterAll(async () => {
  // Providers of the platform stand at every door, of other files' organisations too.
  const { body } = await plain.send("GET", "/api/v1/operator/identity-providers", { token: operatorToken });
  for (const { id, issuer } of body.items as { id: string; issuer: string }[]) {
    if (issuer !== real.issuer && issuer !== people.issuer) continue;
    await plain.send("DELETE", `/api/v1/operator/identity-providers/${id}`, { token: operatorToken });
  }
  await real.stop();
  await people.stop();
});

/** Notes what is secret in all that is sent to a studio and answered by it. */
function listen(studio: Harness): void {
  const { fetch } = studio.studio;
  studio.studio.fetch = async (request, ...rest) => {
    const body = await (request as Request).clone().text();
    const answer = await fetch(request, ...rest);
    for (const text of [body, await answer.clone().text()]) noteSecrets("", parsed(text));
    const bearer = (request as Request).headers.get("Authorization")?.slice("Bearer ".length);
    const cookies = [(request as Request).headers.get("Cookie"), ...answer.headers.getSetCookie()];
    for (const cookie of cookies) noteSecrets("cookie", cookie?.split(";")[0]?.split("=").slice(1).join("="));
    noteSecrets("token", bearer);
    return answer;
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** What is nobody's business, by the name of its field. */
const secretNames = /pass|token|secret|challenge|ceremony|cookie|^code$|recovery|signature|clientDataJSON|^key$|state/i;

function noteSecrets(name: string, value: unknown): void {
  if (typeof value === "string") {
    // Words are problem codes and the like; what is shorter can't be told from a part of an id.
    if (secretNames.test(name) && value.length >= 8 && !/^[a-z_]+$/.test(value)) secrets.add(value);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, inner] of Object.entries(value)) noteSecrets(Array.isArray(value) ? name : key, inner);
  }
}

async function leftBy(answer: Sent, studio: Harness = kit.studio): Promise<RecordedEvent[]> {
  await Promise.all(studio.deferred);
  return studio.audit.of(answer.requestId);
}

function label({ log, event }: RecordedEvent): string {
  const what: Partial<Record<AuditFields["type"], unknown>> = {
    login: "outcome" in event ? event.outcome : "",
    session_end: "reason" in event ? event.reason : "",
    policy_change: "policy" in event ? event.policy : "",
    role_change: "new_role" in event ? (event.new_role ?? "none") : "",
    device_command: "command" in event ? event.command : "",
    access_denied: "code" in event ? event.code : "",
    person_erased: "for good",
  };
  const detail = what[event.type] ?? ("action" in event ? event.action : "");
  return `${event.type} ${String(detail)}${log === null ? "" : " @org"}`;
}
const own = (events: readonly RecordedEvent[]): string[] =>
  events
    .filter(({ event }) => event.type !== "api_call")
    .map(label)
    .toSorted();
const calls = (events: readonly RecordedEvent[]) =>
  events.flatMap(({ event, phase }) => (event.type === "api_call" ? [[phase, event.status_code]] : []));

const walked = served.filter(([name]) => !walkedElsewhere.includes(name));
const writes = walked.filter(([, { method }]) => method !== "GET");
const by = (kind: string) => walked.filter(([, { policy }]) => policy.kind === kind);

async function succeed(name: RouteName, spec: RouteSpec) {
  const org = await kit.studio.newOrg();
  const { target = targetOf(spec.path, org.slug), ...arranged } = (await arrangements[name]?.(org)) ?? {};
  const body = bodyOf(kit.studio, name, org.owner, org.slug);
  const answer = await kit.studio.send(spec.method, `${target}${queryOf(name, org.id)}`, {
    ...tokenFor(spec, org.owner.token),
    ...(body === undefined ? {} : { body }),
    ...arranged,
  });
  return { answer, events: await leftBy(answer) };
}

describe("every write that succeeds", () => {
  it.each(writes)("%s leaves what it must, and nothing else", async (name, spec) => {
    const { answer, events } = await succeed(name, spec);
    expect({ ok: answer.status < 300, errors: answer.body?.errors }).toEqual({ ok: true, errors: undefined });
    const pair = [
      ["intent", null],
      ["outcome", answer.status],
    ];
    expect(calls(events)).toEqual(inOneEvent.includes(name) ? [["event", answer.status]] : pair);
    expect(leaves, "say in walk-leaves.ts what this route leaves").toHaveProperty(name);
    expect(own(events)).toEqual(leaves[name]?.toSorted());
  });
});

const inShape = (name: RouteName, spec: RouteSpec): object => {
  const body = bodyInShape([name, spec]);
  return body === undefined ? {} : { body };
};

describe("every request that fails", () => {
  const withBody = writes.filter(([name, spec]) => "body" in inShape(name, spec));
  const isPublic = ([, { policy }]: (typeof writes)[number]): boolean => policy.kind === "public";
  /** None of these requests gets as far as to change something of it. */
  let org: Awaited<ReturnType<Harness["newOrg"]>>;
  beforeAll(async () => {
    org = await plain.newOrg();
  });

  it.each(withBody.filter((route) => !isPublic(route)))(
    "%s with a body that is none is one event, which claims nothing done",
    async (_, spec) => {
      const token = tokenFor(spec, org.owner.token);
      const answer = await plain.send(spec.method, targetOf(spec.path, org.slug), { ...token, rawBody: "{" });
      expect([answer.status, answer.body.code]).toEqual([400, "invalid_json"]);
      const events = await leftBy(answer, plain);
      expect([calls(events), own(events)]).toEqual([[["event", 400]], []]);
    },
  );

  it.each(withBody.filter(isPublic))("%s with a body that is none leaves nothing: nobody is known", async (_, spec) => {
    const answer = await plain.send(spec.method, targetOf(spec.path, org.slug), { rawBody: "{" });
    expect([answer.status, await leftBy(answer, plain)]).toEqual([400, []]);
  });
});

describe("every request that is denied", () => {
  let org: Awaited<ReturnType<Harness["newOrg"]>>;
  let viewer: Account;
  let stranger: Account;
  let provenMs: number;
  beforeAll(async () => {
    org = await plain.newOrg();
    provenMs = plain.clock.nowMs;
    viewer = await plain.newMember(org, "viewer");
    stranger = await plain.newAccount();
  });
  const as = (name: RouteName, spec: RouteSpec, token: string) =>
    plain.send(spec.method, targetOf(spec.path, org.slug), { token, ...inShape(name, spec) });
  const denial = (spec: RouteSpec, user: string, code: string, status: number) => [
    expect.objectContaining({ type: "api_call", user_id: user, endpoint: spec.path, status_code: status }),
    {
      type: "access_denied",
      user_id: user,
      ip: "203.0.113.7",
      country: "IN",
      endpoint: spec.path,
      method: spec.method,
      code,
    },
  ];
  const mayNot = ([, { policy }]: (typeof served)[number]): boolean =>
    policy.kind === "permission" && decide("viewer", policy.permission) !== "allow";

  it.each(by("permission").filter(mayNot))("%s: a viewer's, in the organisation's log", async (name, spec) => {
    const events = await leftBy(await as(name, spec, viewer.token), plain);
    expect(events.map(({ log }) => log)).toEqual([org.id, org.id]);
    expect(events.map(({ event }) => event)).toEqual(denial(spec, viewer.id, "forbidden", 403));
  });

  it.each(by("permission"))("%s: a stranger's, in a platform log alone", async (name, spec) => {
    const events = await leftBy(await as(name, spec, stranger.token), plain);
    expect(events.map(({ log }) => log)).toEqual([null, null]);
    expect(events.map(({ event }) => event)).toEqual(denial(spec, stranger.id, "not_found", 404));
  });

  it.each(by("operator"))("%s: nothing of an owner who is no operator: nobody was known", async (name, spec) => {
    const answer = await as(name, spec, org.owner.token);
    expect([answer.status, await leftBy(answer, plain)]).toEqual([404, []]);
  });

  const steppedUp = walked.filter(([, { stepUp, policy }]) => stepUp && policy.kind !== "operator");
  it.each(steppedUp)("%s: an owner's whose proof is old", async (name, spec) => {
    const { owner } = org;
    plain.clock.nowMs = provenMs + stepUpMsMax + 1;
    const events = await leftBy(await as(name, spec, owner.token), plain);
    expect(events.map(({ event }) => event)).toEqual(denial(spec, owner.id, "step_up_required", 401));
  });
});

describe("no event of this whole walk", () => {
  const all = () => [...kit.studio.audit.events, ...plain.audit.events].map(({ event }) => event);

  it("holds a secret or a token", () => {
    const text = JSON.stringify(all());
    expect(secrets.size).toBeGreaterThan(500);
    for (const secret of secrets) expect(text.includes(secret), secret).toBe(false);
  });

  it("holds a control character that is not escaped, whatever a client calls itself", async () => {
    const { owner } = await plain.newOrg();
    const body = { email: owner.email, password: "wrong password, surely" };
    // What an HTTP header may carry besides ASCII: bytes that are control characters in Latin-1.
    const headers = { "User-Agent": "x\u0085\u009b31m\u009d0;title\u0007 y".replace("\u0007", "\u0080") };
    const answer = await plain.send("POST", "/api/v1/auth/login", { body, headers });
    const [login] = (await leftBy(answer, plain)).filter(({ event }) => event.type === "login");
    expect(login?.event).toMatchObject({ user_agent: expect.stringContaining("31m") });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    const control = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;
    for (const event of all()) {
      const stored = parseAuditFields(event);
      expect(stored).not.toBeNull();
      expect(jcs(stored)).not.toMatch(control);
    }
  });
});
