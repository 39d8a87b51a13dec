import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { problemBody } from "../../../core/problem.ts";
import { proveIdentity } from "../../../workers/dashboard/src/api/account.ts";
import { callVoid } from "../../../workers/dashboard/src/api/client.ts";
import { rememberSignedIn } from "../../../workers/dashboard/src/api/session-hint.ts";

/** A server with one session, and the browser's cookie for it, which a step-up replaces. */
class Server {
  cookie = "old";
  valid = "old";
  /** What came, with the cookie that it came with. */
  readonly requests: string[] = [];
  /** Resolved once the step-up's answer may go back. */
  readonly answer = Promise.withResolvers<void>();

  readonly fetch = async (input: string): Promise<Response> => {
    const path = input.replace("/api/v1", "");
    const shown = this.cookie;
    this.requests.push(`${path} ${shown}`);
    if (shown !== this.valid) return Response.json(problemBody("unauthenticated", "req_1"), { status: 401 });
    if (path === "/me/step-up") {
      this.valid = "new";
      await this.answer.promise;
      this.cookie = "new";
    }
    return Response.json({});
  };
}

let server: Server;
beforeEach(() => {
  server = new Server();
  const held = new Map<string, string>();
  vi.stubGlobal("fetch", server.fetch);
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => held.get(key) ?? null,
    setItem: (key: string, value: string) => held.set(key, value),
    removeItem: (key: string) => held.delete(key),
  });
  rememberSignedIn(true);
});
afterEach(() => vi.unstubAllGlobals());

const read = (path = "/orgs/north/devices") => callVoid(path, {});

describe("while a proof replaces the session's cookie", () => {
  it("what is refused with the old cookie is asked again with the new one", async () => {
    const proof = proveIdentity({ otp: "123456" });
    const meanwhile = read();
    await vi.waitFor(() => expect(server.requests).toContain("/orgs/north/devices old"), { timeout: 60_000 });
    server.answer.resolve();
    await Promise.all([proof, meanwhile]);
    expect(server.requests).toEqual(["/me/step-up old", "/orgs/north/devices old", "/orgs/north/devices new"]);
  });

  it("so is a write, which the refused one did not do", async () => {
    const proof = proveIdentity({ otp: "123456" });
    const meanwhile = callVoid("/orgs/north/devices", { method: "POST", body: {} });
    await vi.waitFor(() => expect(server.requests).toHaveLength(2), { timeout: 60_000 });
    server.answer.resolve();
    await expect(Promise.all([proof, meanwhile])).resolves.toBeDefined();
  });

  it("a second proof waits for the first, and goes with its cookie", async () => {
    const proofs = [proveIdentity({ otp: "123456" }), proveIdentity({ otp: "654321" })];
    await vi.waitFor(() => expect(server.requests).toHaveLength(1), { timeout: 60_000 });
    server.answer.resolve();
    await Promise.all(proofs);
    expect(server.requests).toEqual(["/me/step-up old", "/me/step-up new"]);
  });
});

describe("a session that has ended", () => {
  it("is told so after one more try, and no more than that", async () => {
    server.valid = "another";
    await expect(read()).rejects.toMatchObject({ fields: { code: "unauthenticated" } });
    expect(server.requests).toEqual(["/orgs/north/devices old", "/orgs/north/devices old"]);
  });

  it("does not stop the proof itself from being refused", async () => {
    server.valid = "another";
    await expect(proveIdentity({ otp: "123456" })).rejects.toMatchObject({ fields: { code: "unauthenticated" } });
    expect(server.requests).toHaveLength(2);
  });

  it("is not asked after twice by a browser in which nobody signed in", async () => {
    rememberSignedIn(false);
    server.valid = "another";
    await expect(read()).rejects.toMatchObject({ fields: { code: "unauthenticated" } });
    expect(server.requests).toHaveLength(1);
  });
});
