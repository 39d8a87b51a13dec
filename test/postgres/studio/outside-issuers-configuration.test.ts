import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type HostileIssuer, startHostileIssuer } from "../../support/hostile-issuer.ts";
import type { Sent } from "./harness.ts";
import { createOutsideKit, newBrowser, type OutsideKit } from "./outside-kit.ts";

let hostile: HostileIssuer;
let other: HostileIssuer;
let kit: OutsideKit;
let org: Awaited<ReturnType<OutsideKit["studio"]["newOrg"]>>;
/** A provider of `org`. */
let hostileId: string;
const joining = { allow_sign_up: true, default_role: "viewer", email_domains: ["school.test"] };
const evil: HostileIssuer[] = [];

beforeAll(async () => {
  [hostile, other] = await Promise.all([startHostileIssuer(), startHostileIssuer()]);
  kit = await createOutsideKit([hostile.issuer, other.issuer]);
  org = await kit.studio.newOrg();
  hostileId = await kit.newProvider(org, hostile, joining);
});
afterAll(() => Promise.all([hostile, other, ...evil].map((issuer) => issuer.stop())));

describe("an address that an administrator writes down", () => {
  /** Tries to configure an issuer that a test has prepared. */
  async function configure(issuer: string, extra: Record<string, unknown> = {}): Promise<Sent> {
    const body = { kind: "oidc", name: "x", issuer, client_id: "sentinel", client_secret: "s".repeat(40), ...extra };
    return kit.studio.send("POST", `/api/v1/orgs/${org.id}/identity-providers`, { token: org.owner.token, body });
  }
  /** An issuer whose discovery document says something else as well; on loopback, so that only that is wrong. */
  async function withDocument(change: (issuer: HostileIssuer) => void): Promise<Sent> {
    const issuer = await startHostileIssuer();
    evil.push(issuer);
    change(issuer);
    const own = await createOutsideKit([issuer.issuer]);
    const { id, owner } = await own.studio.newOrg();
    const body = { kind: "oidc", name: "x", issuer: issuer.issuer, client_id: "c", client_secret: "s".repeat(40) };
    return own.studio.send("POST", `/api/v1/orgs/${id}/identity-providers`, { token: owner.token, body });
  }
  const wrong = (answer: Sent, message: string) => {
    expect([answer.status, answer.body.code]).toEqual([422, "invalid_request"]);
    expect(answer.body.errors).toEqual([{ path: "issuer", message }]);
  };

  it.each([
    "http://localhost:1",
    "https://127.0.0.1",
    "https://metadata.internal",
    "https://user:pass@idp.example.com",
  ])("%s is refused before anything is asked", async (issuer) =>
    wrong(
      await configure(issuer),
      "must be an https address of a public name, without port, user information or query",
    ),
  );

  it("is refused when it names itself otherwise, also by a slash", async () => {
    wrong(
      await withDocument((issuer) => {
        issuer.document["issuer"] = "https://accounts.google.com";
      }),
      "there is no OpenID configuration of this issuer",
    );
    wrong(
      await withDocument((issuer) => {
        issuer.document["issuer"] = `${issuer.issuer}/`;
      }),
      "the issuer names itself otherwise",
    );
  });

  it.each(["authorization_endpoint", "token_endpoint", "jwks_uri"])(
    "is refused when its %s leads inside",
    async (name) => {
      for (const url of ["http://169.254.169.254/latest", "https://localhost/x", "file:///etc/passwd"]) {
        wrong(
          await withDocument((issuer) => {
            issuer.document[name] = url;
          }),
          `its ${name} may not be called`,
        );
      }
    },
  );

  it("is refused when it redirects, and the target is never asked", async () => {
    const target = await startHostileIssuer();
    evil.push(target);
    wrong(
      await withDocument((issuer) =>
        issuer.paths.set("/.well-known/openid-configuration", (_request, _body, response) =>
          response.writeHead(302, { Location: `${target.issuer}/.well-known/openid-configuration` }).end(),
        ),
      ),
      "the issuer answered with a redirect",
    );
    expect(target.asked.size).toBe(0);
  });

  it("is refused when its document has no end", async () => {
    let sent = 0;
    wrong(
      await withDocument((issuer) =>
        issuer.paths.set("/.well-known/openid-configuration", (_request, _body, response) => {
          response.writeHead(200, { "Content-Type": "application/json" });
          const chunk = " ".repeat(64 * 1024);
          const more = (): void => {
            if (response.destroyed) return;
            sent += chunk.length;
            response.write(chunk, () => setImmediate(more));
          };
          more();
        }),
      ),
      "the issuer's answer is too large",
    );
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  it("is refused when it never answers, and the request ends all the same", async () => {
    wrong(
      await withDocument((issuer) => issuer.paths.set("/.well-known/openid-configuration", () => undefined)),
      "does not answer",
    );
  });

  it("is refused without PKCE, and when it signs with a shared secret alone", async () => {
    wrong(
      await withDocument((issuer) => {
        issuer.document["code_challenge_methods_supported"] = ["plain"];
      }),
      "it does not take PKCE with S256",
    );
    wrong(
      await withDocument((issuer) => {
        issuer.document["id_token_signing_alg_values_supported"] = ["HS256", "none"];
      }),
      "it signs with no public key",
    );
  });

  it("is one tenant of Microsoft's, and Google's only one", async () => {
    for (const tenant of ["common", "organizations", "consumers", "contoso.onmicrosoft.com"]) {
      const issuer = `https://login.microsoftonline.com/${tenant}/v2.0`;
      wrong(
        await configure(issuer, { kind: "microsoft" }),
        "must be of one tenant: https://login.microsoftonline.com/{tenant id}/v2.0",
      );
    }
    wrong(await configure("https://accounts.gooogle.com", { kind: "google" }), "must be https://accounts.google.com");
  });

  it("keys that redirect, once it is configured: refused", async () => {
    const issuer = await startHostileIssuer();
    evil.push(issuer);
    const own = await createOutsideKit([issuer.issuer]);
    const school = await own.studio.newOrg();
    const id = await own.newProvider(school, issuer, joining);
    issuer.paths.set("/jwks", (_request, _body, response) =>
      response.writeHead(302, { Location: `${issuer.issuer}/elsewhere` }).end(),
    );
    const browser = newBrowser();
    const answer = await own.finish(school.slug, browser, issuer.returned(await own.start(school.slug, id, browser)));
    expect(answer.body.code).toBe("provider_refused");
    expect(issuer.asked.get("/elsewhere")).toBeUndefined();
  });
});

describe("managing providers", () => {
  it("is for owners and administrators, and another organisation's provider is not there", async () => {
    const elsewhere = await kit.studio.newOrg();
    const path = `/api/v1/orgs/${elsewhere.id}/identity-providers/${hostileId}`;
    for (const method of ["GET", "PATCH", "DELETE"]) {
      const body = method === "PATCH" ? { body: { name: "mine" } } : {};
      const answer = await kit.studio.send(method, path, { token: elsewhere.owner.token, ...body });
      expect({ method, code: answer.body.code }).toEqual({ method, code: "not_found" });
    }
    const secret = { token: elsewhere.owner.token, body: { client_secret: "x".repeat(40) } };
    expect((await kit.studio.send("POST", `${path}/secrets`, secret)).body.code).toBe("not_found");
    const viewer = await kit.studio.newMember(elsewhere, "viewer");
    const list = await kit.studio.send("GET", `/api/v1/orgs/${elsewhere.id}/identity-providers`, {
      token: viewer.token,
    });
    expect(list.body.code).toBe("forbidden");
  });

  it("shows no secret again, and changes neither issuer nor client", async () => {
    const path = `/api/v1/orgs/${org.id}/identity-providers/${hostileId}`;
    const shown = await kit.studio.send("GET", path, { token: org.owner.token });
    expect(JSON.stringify(shown.body)).not.toContain(hostile.clientSecret);
    for (const body of [{ issuer: other.issuer }, { client_id: "x" }, { kind: "google" }, { default_role: "admin" }]) {
      expect((await kit.studio.send("PATCH", path, { token: org.owner.token, body })).body.code).toBe(
        "invalid_request",
      );
    }
  });

  it("leaves each change in the log", async () => {
    const path = `/api/v1/orgs/${org.id}/identity-providers/${hostileId}`;
    const changed = await kit.studio.send("PATCH", path, { token: org.owner.token, body: { name: "Renamed" } });
    const logged = kit.studio.audit.of(changed.requestId).map(({ event }) => event);
    expect(logged).toContainEqual({ type: "policy_change", user_id: org.owner.id, policy: "identity_provider" });
  });
});
