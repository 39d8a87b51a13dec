import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { decodeProtectedHeader, type JWK } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keySetFreshMs } from "../../core/mesh/keys.ts";
import { sessionCookieName } from "../../core/rpc/studio.ts";
import { outsiderAttacks } from "../attack/jwt/forge.ts";
import { runCliAside } from "../postgres/cli/run-cli.ts";
import { Api, browserSignIn, eventually, newPerson, testPassword } from "./support/api.ts";
import { type BorrowedStack, borrowStack } from "./support/stack-pool.ts";

/** Tokens and keys through the whole running system. */

let stack: BorrowedStack;
let url: string;
let person: Awaited<ReturnType<typeof newPerson>>;
let cookie: string;

beforeAll(async () => {
  stack = await borrowStack();
  url = stack.description.url;
  person = await newPerson(url, stack.description.mailDir, "holder");
  cookie = `${sessionCookieName}=${await browserSignIn(url, person.email, testPassword)}`;
});
afterAll(async () => {
  await stack?.discard();
});

const jwks = async (): Promise<JWK[]> =>
  (await new Api(url).send<{ keys: JWK[] }>("GET", "/.well-known/jwks.json")).body.keys;
const me = (token: string | null, headers: Record<string, string> = {}) =>
  new Api(url, token).send<{ code?: string }>("GET", "/api/v1/me", undefined, headers);
const kidOf = (token: string): string => decodeProtectedHeader(token).kid ?? "";
async function sentinel(...args: string[]): Promise<{ status: number | null; output: string }> {
  const { status, stdout, stderr } = await runCliAside(args);
  return { status, output: stdout + stderr };
}

describe("a forged token", () => {
  it("opens nothing, whatever form it takes", async () => {
    const genuine = person.api.token ?? "";
    expect((await me(genuine)).status).toBe(200);
    const [jwk] = (await jwks()).filter(({ kid }) => kid === kidOf(genuine));
    const codes = new Set<string>();
    for (const { name, token } of outsiderAttacks(genuine, jwk ?? {})) {
      // What no header can carry never leaves this machine, and a stranger's line never ends one of ours.
      if (/[^\x20-\x7e]/.test(token) || token.trim() !== token || token.length > 15_000) continue;
      const { status, body } = await me(token);
      codes.add(`${status} ${body.code}`);
      expect({ name, status }).toEqual({ name, status: token === "" ? 401 : status >= 400 ? status : "refused" });
    }
    expect([...codes].sort()).toEqual(["401 invalid_token"]);
  });

  it("leaves the genuine one good", async () => {
    expect((await me(person.api.token)).status).toBe(200);
  });
});

describe("the operator's token", () => {
  it("lies in a file that this user alone can read, and what reads the stack's description does not learn it", () => {
    const path = stack.description.operatorTokenFile;
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const token = readFileSync(path, "utf8").trim();
    expect(token).toMatch(/^sop_[\w-]{43}$/);
    expect(readFileSync(join(stack.stateDir, "stack.json"), "utf8")).not.toContain(token);
  });

  it("opens its routes alone, and they are open to it alone", async () => {
    const token = readFileSync(stack.description.operatorTokenFile, "utf8").trim();
    const order = { purpose: "nothing", emergency: true };
    const rotate = (as: string | null) => new Api(url, as).send("POST", "/api/v1/operator/keys/rotate", order);
    expect((await rotate(token)).status).toBe(422);
    for (const other of [null, person.api.token, `sop_${"x".repeat(43)}`])
      expect((await rotate(other)).status).toBe(404);
    expect((await me(token)).body.code).toBe("invalid_token");
  });
});

describe("an emergency rotation, in one command", () => {
  it("revokes what was signed before within a minute, and nobody is signed out", async () => {
    const stolen = person.api.token ?? "";
    expect((await me(null, { Cookie: cookie })).status).toBe(200);
    const before = (await jwks()).map(({ kid }) => kid);
    expect(before).toContain(kidOf(stolen));

    const { status, output } = await sentinel("keys", "rotate", "--emergency", "--state", stack.stateDir);
    expect({ status, output }).toMatchObject({ status: 0 });
    expect(output).toMatch(/^access: \S+ signs now; revoked \S+\nmesh: \S+ signs now; revoked \S+\n$/);

    // Published at once, and the old ones gone at once.
    const after = (await jwks()).map(({ kid }) => kid);
    expect(after).toHaveLength(1);
    expect(before).not.toContain(after[0]);
    const refreshed = await new Api(url).send<{ access_token: string }>("POST", "/api/v1/auth/refresh", {
      refresh_token: person.refreshToken,
    });
    expect(kidOf(refreshed.body.access_token)).toBe(after[0]);
    // The forged kids of a moment ago still bar the edge from asking for keys that it does not know.
    const taken = async (answer: Promise<{ status: number }>) => (await answer).status === 200;
    await eventually("the new token is taken", () => taken(me(refreshed.body.access_token)));
    await eventually("the cookie is", () => taken(me(null, { Cookie: cookie })));

    await eventually(
      "the stolen token is refused",
      async () => (await me(stolen)).status === 401,
      // A set of keys is used for a minute, which is tested by a clock of its own (unit/mesh/verify.test.ts); the rest is
      // for a machine that does other things.
      3 * keySetFreshMs,
    );
    expect((await me(null, { Cookie: cookie })).status).toBe(200);
    expect((await me(refreshed.body.access_token)).status).toBe(200);
    const owner = await new Api(url).send<{ access_token: string }>("POST", "/api/v1/auth/login?tokens=1", {
      ...stack.description.owner,
    });
    const devices = await new Api(url, owner.body.access_token).send("GET", "/api/v1/orgs/demo/devices");
    expect(devices.status).toBe(200);
  });

  it("says what is wrong when it can't be done", async () => {
    const at = (...args: string[]) => sentinel("keys", "rotate", "--emergency", ...args);
    expect(await at("--state", join(stack.stateDir, "nowhere"))).toMatchObject({
      status: 1,
      output: expect.stringContaining("no_stack"),
    });
    expect(await sentinel("keys", "rotate", "--state", stack.stateDir)).toMatchObject({ status: 2 });
  });
});
