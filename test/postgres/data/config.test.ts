import { describe, expect, it } from "vitest";
import {
  hmacPads,
  importTenantRootKey,
  rowScopeKey,
  signRowScope,
  tenantPassword,
} from "../../../core/crypto/tenant-keys.ts";
import { parseId } from "../../../core/ids.ts";
import { ConfigurationError, type DataEnv, findRoot, parseConfig, rootNamed } from "../../../workers/data/config.ts";
import { dataVariables } from "../support.ts";

const without = (name: keyof typeof dataVariables): Partial<DataEnv> => {
  const { [name]: _left, ...rest } = dataVariables;
  return rest;
};
const placement = {
  provisionerUrl: "postgres://p:secret@h/d",
  auditWriterUrl: "postgres://a:secret@h/d",
  tenantHost: "h:1/d",
};
const placements = (over: object): Partial<DataEnv> => ({
  PLACEMENTS: JSON.stringify({ one: { ...placement, ...over } }),
});

describe("the data Worker's configuration", () => {
  it("is taken when it is whole", async () => {
    const config = await parseConfig(dataVariables);
    expect([...config.placements.keys()]).toEqual(["first", "second"]);
    expect(config.firstPlacement.name).toBe("first");
  });

  it.each(["ISSUER", "NEON_GATEWAY", "TENANT_DB_ROOT_SECRET", "PLACEMENTS", "DIRECTORY_DATABASE_URL"] as const)(
    "stops the Worker when %s is missing, and says which",
    async (name) => {
      const error = await parseConfig(without(name)).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ConfigurationError);
      expect((error as Error).message).toContain(name);
    },
  );

  it.each([
    ["a gateway with a path", { NEON_GATEWAY: "host:1/evil" }],
    [
      "a gateway on another machine, to which passwords would travel in the clear",
      { NEON_GATEWAY: "gateway.example:80" },
    ],
    ["a previous root secret that is too short", { TENANT_DB_ROOT_SECRET_PREVIOUS: "c2hvcnQ" }],
    ["a root secret that is too short", { TENANT_DB_ROOT_SECRET: "c2hvcnQ" }],
    ["a root secret that is no base64url", { TENANT_DB_ROOT_SECRET: "!".repeat(43) }],
    ["placements that are no JSON", { PLACEMENTS: "{" }],
    ["no placement", { PLACEMENTS: "{}" }],
    ["a placement without a tenantHost", placements({ tenantHost: undefined })],
    ["a tenantHost that would smuggle a role in", placements({ tenantHost: "evil@h:1/d" })],
    ["a provisioner without a password", placements({ provisionerUrl: "postgres://p@h/d" })],
    ["a directory that is not Postgres", { DIRECTORY_DATABASE_URL: "https://a:b@h/d" }],
  ])("stops the Worker at %s, and shows no secret", async (_what, over) => {
    const error = await parseConfig({ ...dataVariables, ...over }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as Error).message).not.toMatch(/secret@|c2hvcnQ|!!/);
  });
});

describe("two root secrets", () => {
  const previous = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

  it("are told apart by name; what has none is the oldest's, and what is neither's is nobody's", async () => {
    const config = await parseConfig({ ...dataVariables, TENANT_DB_ROOT_SECRET_PREVIOUS: previous });
    const old = config.previousRoot!;
    expect(rootNamed(config, config.rootId)).toBe(config.root);
    expect(rootNamed(config, old.id)).toBe(old.key);
    expect(rootNamed(config, null)).toBe(old.key);
    expect(findRoot(config, "0".repeat(16))).toBeNull();
    expect(() => rootNamed(config, "0".repeat(16))).toThrow("not configured");
    expect(config.rootId).toMatch(/^[0-9a-f]{16}$/);
  });

  it("are one while both are the same, which is how a change begins; an empty one is none", async () => {
    const { TENANT_DB_ROOT_SECRET: current } = dataVariables;
    for (const text of [current, ""]) {
      const config = await parseConfig({ ...dataVariables, TENANT_DB_ROOT_SECRET_PREVIOUS: text });
      expect(config.previousRoot).toBeNull();
      expect(rootNamed(config, null)).toBe(config.root);
    }
  });
});

describe("what is derived from the root secret", () => {
  const [alice, bob] = ["org_01h455vb4pex5vsknk084sn02q", "org_01h455vb4pex5vsknk084sn02r"].map(
    (text) => parseId("org", text)!,
  );
  const root = importTenantRootKey("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");

  it("is the same tomorrow: a changed derivation would lock every tenant out", async () => {
    expect(await tenantPassword(await root, alice!, 1)).toBe("60Enbn-G5QUuKUB9O2hes3YYoDj0sxkbpdR4Je-1Psk");
    expect(Buffer.from(await rowScopeKey(await root, alice!)).toString("hex")).toBe(
      "7d51e5c56afeace21382d7b064711d3852146919b0a35bb706900383fcf4f319",
    );
  });

  it("differs by organisation, epoch and purpose", async () => {
    const key = await root;
    const passwords = await Promise.all([
      tenantPassword(key, alice!, 1),
      tenantPassword(key, alice!, 2),
      tenantPassword(key, bob!, 1),
    ]);
    const scopeKeys = await Promise.all([rowScopeKey(key, alice!), rowScopeKey(key, bob!)]);
    const all = [...passwords, ...scopeKeys.map((bytes) => Buffer.from(bytes).toString("base64url"))];
    expect(new Set(all).size).toBe(5);
    for (const password of passwords) expect(password).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  it("has no epoch before the first", async () => {
    await expect(tenantPassword(await root, alice!, 0)).rejects.toThrow(RangeError);
  });

  it("signs row scopes by HMAC-SHA-256, which the padded halves compute too (RFC 4231, test case 2)", async () => {
    const { createHash, createHmac } = await import("node:crypto");
    const pads = hmacPads(new TextEncoder().encode("Jefe"));
    const hash = (...parts: (Uint8Array | string)[]) =>
      parts.reduce((all, part) => all.update(part), createHash("sha256")).digest();
    const expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    expect(hash(pads.outer, hash(pads.inner, "what do ya want for nothing?")).toString("hex")).toBe(expected);
    const key = await rowScopeKey(await root, alice!);
    const [version, claims, mac] = (
      await signRowScope(key, { user: null, role: "system", expiresAtMs: 1_000_999 })
    ).split(".");
    expect(mac).toBe(createHmac("sha256", key).update(`${version}.${claims}`).digest("base64url"));
    expect(JSON.parse(Buffer.from(claims!, "base64url").toString())).toEqual({ u: null, r: "system", exp: 1000 });
  });
});
