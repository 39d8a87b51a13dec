import { SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import { sessionCookieName } from "../../../core/rpc/studio.ts";
import { type GeoPolicy, onlyCountries, plainGeoPolicy } from "../../../core/tenancy/geo-policy.ts";
import type { OrgPolicy } from "../../../core/tenancy/policy.ts";
import type { Env } from "../../../workers/edge/env.ts";
import type { Additions, Gate, GateResult } from "../../../workers/edge/gates/gate.ts";
import { geoGate } from "../../../workers/edge/gates/geo.ts";
import { judgedByPerson } from "../../../workers/edge/gates/geo-person.ts";
import { deviceTokenPrefix } from "../../../workers/edge/presented-credential.ts";
import type { Credential } from "../../../workers/edge/verify-credential.ts";
import { contextOf, nowMs, orgId, orgPolicy, otherOrgId, slug, userId } from "./contexts.ts";

const origin = "https://s.example";
const rules = (dashboard: string[], api: string[], devices: string[]): GeoPolicy =>
  plainGeoPolicy({
    dashboard: onlyCountries(dashboard).dashboard,
    api: onlyCountries(api).api,
    devices: onlyCountries(devices).devices,
  });
const cookie = { Cookie: `${sessionCookieName}=${"s".repeat(43)}` };
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
const stored = (policy: OrgPolicy): Partial<Env> => {
  const texts: Record<string, string> = {
    [`slug:${policy.slug}`]: policy.org,
    [`org:${policy.org}`]: JSON.stringify(policy),
  };
  return { POLICIES: { get: async (key: string) => texts[key] ?? null } as unknown as Env["POLICIES"] };
};

interface Asked {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly country?: string;
  readonly geo: GeoPolicy;
  /** The path addresses none. */
  readonly platform?: boolean;
}
const contextFor = ({ method = "GET", path, headers = {}, country = "DE", geo, platform = false }: Asked) =>
  contextOf(`${origin}${path}`, {
    init: { method, headers },
    cf: { country, asn: 3320, tlsVersion: "TLSv1.3" },
    ...(platform ? { env: stored(orgPolicy({ geo })) } : { org: orgPolicy({ geo }) }),
  });

/** The geo gate, then the credential gate as it would judge `credential`. */
async function judge(asked: Asked, credential: Credential | "refused"): Promise<string> {
  const context = contextFor(asked);
  const first = await geoGate.judge(context);
  if (first.kind === "deny") return first.code;
  const inner: Gate<"geo", "credential"> = {
    name: "credential",
    appliesTo: "known_route",
    needs: ["geo"],
    adds: ["credential"],
    deadlineMs: 1000,
    judge: async (): Promise<GateResult<Pick<Additions, "credential">>> =>
      credential === "refused" ? { kind: "deny", code: "unauthenticated" } : { kind: "allow", adds: { credential } },
  };
  const second = await judgedByPerson(inner).judge({ ...context, geo: first.adds.geo });
  return second.kind === "deny" ? second.code : "allowed";
}
const member: Credential = { kind: "user", via: "cookie", accessToken: "t", user: userId, org: orgId };
const nobody: Credential = { kind: "none" };

describe("the surface of a request", () => {
  const only = {
    dashboard: rules(["DE"], [], []),
    api: rules([], ["DE"], []),
    devices: rules([], [], ["DE"]),
  };
  const org = `/api/v1/orgs/${slug}`;
  const device = bearer(`${deviceTokenPrefix}${"x".repeat(43)}`);
  const both = { ...cookie, ...bearer("a.b.c") };
  const cases: [string, string, string, Record<string, string>, keyof typeof only][] = [
    ["a page", "GET", `/o/${slug}`, {}, "dashboard"],
    ["a sign-in", "POST", `${org}/auth/login`, {}, "dashboard"],
    ["a sign-in with an API key of one's own", "POST", `${org}/auth/login`, bearer("sak_x"), "dashboard"],
    ["a cookie", "GET", `${org}/devices`, cookie, "dashboard"],
    ["a bearer", "GET", `${org}/devices`, bearer("a.b.c"), "api"],
    ["both, of which the bearer counts", "GET", `${org}/devices`, both, "api"],
    ["a bearer that is none", "GET", `${org}/devices`, { Authorization: "Bearer a b" }, "api"],
    ["a refresh token", "POST", `${org}/auth/refresh`, {}, "api"],
    ["an enrolment", "POST", `${org}/enroll`, {}, "devices"],
    ["an enrolment with a cookie", "POST", `${org}/enroll`, cookie, "devices"],
    ["a device's upgrade", "GET", `/mqtt/${slug}`, device, "devices"],
    ["a page's upgrade", "GET", `/mqtt/${slug}`, cookie, "dashboard"],
    ["a program's upgrade", "GET", `/mqtt/${slug}`, bearer("a.b.c"), "api"],
  ];
  it.each(cases)("of %s is one, and no other's rules let it in", async (_what, method, path, headers, surface) => {
    for (const [of, geo] of Object.entries(only)) {
      const result = await geoGate.judge(contextFor({ method, path, headers, geo }));
      expect([of, result.kind]).toEqual([of, of === surface ? "allow" : "deny"]);
    }
  });

  it("of an upgrade without a credential is known at CONNECT: it may be a device's or a program's, no page's", async () => {
    const path = `/mqtt/${slug}`;
    const kinds = Object.values(only).map((geo) => geoGate.judge(contextFor({ path, geo })));
    expect((await Promise.all(kinds)).map(({ kind }) => kind)).toEqual(["deny", "allow", "allow"]);
    const result = await geoGate.judge(contextFor({ path, geo: only.devices }));
    expect(result).toMatchObject({
      adds: { geo: { surface: null, standings: { devices: "admitted", api: "refused" } } },
    });
  });
});

describe("a traveller", () => {
  const travelling: GeoPolicy = {
    ...rules(["IN"], ["IN"], ["IN"]),
    exceptions: [{ user: userId, country: "DE", untilMs: nowMs + 1000 }],
  };
  const path = `/api/v1/orgs/${slug}/devices`;
  const other = { ...member, user: "usr_01h455vb4pex5vsknk084sn02q" } as Credential;

  it("passes as who they are, by cookie or bearer; nobody else does", async () => {
    expect(await judge({ path, headers: cookie, geo: travelling }, member)).toBe("allowed");
    expect(await judge({ path, headers: bearer("a.b.c"), geo: travelling }, member)).toBe("allowed");
    expect(await judge({ path, headers: cookie, geo: travelling }, other)).toBe("geo_denied");
    expect(await judge({ path, headers: cookie, geo: travelling, country: "FR" }, member)).toBe("geo_denied");
  });

  it("is not betrayed: a made-up credential gets the same answer there as anywhere", async () => {
    for (const country of ["DE", "FR"]) {
      expect(await judge({ path, headers: cookie, geo: travelling, country }, "refused")).toBe("geo_denied");
      expect(await judge({ path, geo: travelling, country }, nobody)).toBe("geo_denied");
    }
  });

  it("reaches the organisation's own door and pages before it is known who it is, and nothing else", async () => {
    const org = `/api/v1/orgs/${slug}`;
    const reach = (method: string, to: string) => judge({ method, path: to, geo: travelling }, nobody);
    expect(await reach("GET", `/o/${slug}/sign-in`)).toBe("allowed");
    expect(await reach("POST", `${org}/auth/login`)).toBe("allowed");
    expect(await reach("POST", `${org}/auth/refresh`)).toBe("allowed");
    expect(await reach("POST", `${org}/auth/password/forgot`)).toBe("geo_denied");
    expect(await reach("POST", `${org}/enroll`)).toBe("geo_denied");
    expect(await reach("GET", "/nowhere")).toBe("geo_denied");
  });
});

describe("a request of one's own, from where the platform takes none", () => {
  const german = rules(["DE"], ["DE"], []);
  const me = { path: "/api/v1/me", platform: true } as const;
  const named = { ...cookie, "Sentinel-Organisation": slug };
  const tokenFor = async (org: string | null) =>
    await new SignJWT({ org }).setProtectedHeader({ alg: "HS256" }).sign(new Uint8Array(32));

  it("is judged by the organisation that it names, once the credential turns out to be for that", async () => {
    expect(await judge({ ...me, headers: named, geo: german }, member)).toBe("allowed");
    expect(await judge({ ...me, headers: named, geo: german }, { ...member, org: null })).toBe("geo_denied");
    expect(await judge({ ...me, headers: named, geo: german }, { ...member, org: otherOrgId })).toBe("geo_denied");
    expect(await judge({ ...me, headers: named, geo: german }, "refused")).toBe("geo_denied");
    expect(await judge({ ...me, headers: named, geo: german }, nobody)).toBe("geo_denied");
  });

  it("is judged by the token's organisation where none is named", async () => {
    const asked = { ...me, headers: bearer(await tokenFor(orgId)), geo: german };
    expect(await judge(asked, { ...member, via: "bearer" })).toBe("allowed");
    expect(await judge(asked, { ...member, via: "bearer", org: otherOrgId })).toBe("geo_denied");
    expect(await judge({ ...asked, headers: bearer(await tokenFor(otherOrgId)) }, member)).toBe("geo_denied");
    expect(await judge({ ...asked, headers: bearer(await tokenFor(null)) }, member)).toBe("geo_denied");
  });

  it("reaches no verification of its credential where the named organisation takes none either", async () => {
    const french = { ...me, country: "FR", headers: named, geo: german };
    expect((await geoGate.judge(contextFor(french))).kind).toBe("deny");
    expect((await geoGate.judge(contextFor({ ...me, headers: cookie, geo: german }))).kind).toBe("deny");
    const unknown = { ...cookie, "Sentinel-Organisation": "no-such-school" };
    expect((await geoGate.judge(contextFor({ ...me, headers: unknown, geo: german }))).kind).toBe("deny");
    const withoutCredential = { "Sentinel-Organisation": slug };
    expect((await geoGate.judge(contextFor({ ...me, headers: withoutCredential, geo: german }))).kind).toBe("deny");
  });

  it("is not lent to routes that are nobody's own: sign-up and the platform's door stay the platform's", async () => {
    for (const path of ["/api/v1/auth/login", "/api/v1/auth/register", "/api/v1/enroll"]) {
      const asked = { ...me, method: "POST", path, headers: named, geo: german };
      expect(await judge(asked, member)).toBe("geo_denied");
    }
  });

  it("lets a traveller in as a member who is one", async () => {
    const geo: GeoPolicy = {
      ...rules(["IN"], ["IN"], ["IN"]),
      exceptions: [{ user: userId, country: "DE", untilMs: nowMs + 1000 }],
    };
    expect(await judge({ ...me, headers: named, geo }, member)).toBe("allowed");
    const other = { ...member, user: "usr_01h455vb4pex5vsknk084sn02q" } as Credential;
    expect(await judge({ ...me, headers: named, geo }, other)).toBe("geo_denied");
  });
});
