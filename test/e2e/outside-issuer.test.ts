import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../../scripts/postgres/embedded.ts";
import { repositoryRoot } from "../../scripts/units.ts";
import { type RealProvider, type Returned, startRealProvider } from "../support/real-provider.ts";
import { runScript } from "../support/run-script.ts";
import { type Answer, Api, eventually, mailedToken, newPerson, signIn } from "./support/api.ts";
import { freshStateDir, removeStateDir, type StackProcess, startStackProcess } from "./support/stack-process.ts";

// The whole stack with an identity provider beside it: edge, cookies, firewall, studio's outbound calls from workerd.

const stateDir = freshStateDir();
let port: number;
let stack: StackProcess;
let provider: RealProvider;
let owner: Api;

beforeAll(async () => {
  port = await freePort();
  provider = await startRealProvider(`http://localhost:${port}/sign-in/callback`);
  process.env["LOOPBACK_ISSUERS"] = provider.issuer;
  stack = await start();
  const { email, password } = stack.description.owner;
  owner = (await signIn(stack.description.url, email, password)).api;
});
afterAll(async () => {
  delete process.env["LOOPBACK_ISSUERS"];
  await stack?.discard();
  await provider?.stop();
  removeStateDir(stateDir);
});

const start = (): Promise<StackProcess> =>
  startStackProcess(stateDir, ["--port", String(port), "--quiet", "--no-agent", "--limit-scale", "1000"]);

/** A browser's cookies, as far as Sentinel sets any. */
class Browser {
  readonly cookies = new Map<string, string>();

  async send<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
    const { url } = stack.description;
    const answer = await new Api(url).send<T>(method, path, body, {
      Cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; "),
      Origin: url,
      "Sec-Fetch-Site": "same-origin",
    });
    for (const cookie of answer.headers.getSetCookie()) {
      const [name = "", value = ""] = (cookie.split(";")[0] ?? "").split("=", 2);
      this.cookies.set(name, value);
    }
    return answer;
  }

  /** Leaves for the provider and comes back, by the dashboard's own page. */
  async visit(door: string, id: string, subject: string): Promise<Returned> {
    const started = await this.send<{ authorization_url: string }>("POST", `${door}/oidc/${id}/start`, {});
    expect(started.status).toBe(200);
    const returned = await provider.signIn(started.body.authorization_url, subject);
    const page = `/sign-in/callback?${new URLSearchParams({ ...returned })}`;
    expect((await this.send("GET", page)).status).toBe(200);
    return returned;
  }
}

const door = "/api/v1/orgs/demo/auth";
let id: string;

describe("a sign-in at an outside issuer, over the whole stack", () => {
  it("is configured by an owner, whose secret never comes back", async () => {
    const made = await owner.send<{ id: string; redirect_uri: string }>(
      "POST",
      "/api/v1/orgs/demo/identity-providers",
      {
        kind: "oidc",
        name: "School sign-in",
        issuer: provider.issuer,
        client_id: provider.clientId,
        client_secret: provider.clientSecret,
        secret_expires_at: new Date(Date.now() + 5 * 24 * 3600_000).toISOString(),
        allow_sign_up: true,
        default_role: "viewer",
        email_domains: ["school.test"],
      },
    );
    expect([made.status, made.body.redirect_uri]).toEqual([201, `${stack.description.url}/sign-in/callback`]);
    expect(JSON.stringify(made.body)).not.toContain(provider.clientSecret);
    id = made.body.id;
  });

  it("makes an account, and a cookie that opens this organisation", async () => {
    provider.people.set("asha", { email: "asha@school.test", email_verified: true, name: "Asha" });
    const browser = new Browser();
    const returned = await browser.visit(door, id, "asha");
    const done = await browser.send<{ user: { email: string } }>("POST", `${door}/oidc/callback`, returned);
    expect({ status: done.status, email: done.body.user?.email }).toEqual({ status: 200, email: "asha@school.test" });
    expect((await browser.send("GET", "/api/v1/orgs/demo/devices")).status).toBe(200);
    expect((await browser.send("POST", "/api/v1/orgs", { name: "Mine", slug: "mine-alone" })).status).toBe(403);
  });

  it("is worth nothing in another browser", async () => {
    const returned = await new Browser().visit(door, id, "asha");
    const thief = await new Browser().send("POST", `${door}/oidc/callback`, returned);
    expect([thief.status, thief.body["code"]]).toEqual([401, "provider_refused"]);
  });

  it("is linked to an account of the same address by consent, and signs in to it from then on", async () => {
    const { url, mailDir } = stack.description;
    const person = await newPerson(url, mailDir, "ravi");
    const invited = await owner.send("POST", "/api/v1/orgs/demo/invitations", { email: person.email, role: "analyst" });
    expect(invited.status).toBe(201);
    const token = mailedToken(mailDir, person.email, "invitation");
    expect((await person.api.send("POST", "/api/v1/invitations/accept", { token })).status).toBe(200);
    provider.people.set("ravi", { email: person.email, email_verified: true });
    const browser = new Browser();
    const offered = await browser.send<{ code: string; challenge: string }>(
      "POST",
      `${door}/oidc/callback`,
      await browser.visit(door, id, "ravi"),
    );
    expect([offered.status, offered.body.code]).toEqual([409, "link_required"]);
    const signedIn = await browser.send("POST", `${door}/login`, {
      email: person.email,
      password: "correct horse battery staple 9",
    });
    expect(signedIn.status).toBe(200);
    const { challenge } = offered.body;
    expect((await browser.send("POST", "/api/v1/me/identities/link", { challenge })).status).toBe(201);
    const again = new Browser();
    const done = await again.send<{ user: { id: string } }>(
      "POST",
      `${door}/oidc/callback`,
      await again.visit(door, id, "ravi"),
    );
    expect([done.status, done.body.user.id]).toEqual([200, person.userId]);
  });

  it("calls no issuer on loopback that whoever started the stack has not listed", async () => {
    const refused = await owner.send<{ code: string }>("POST", "/api/v1/orgs/demo/identity-providers", {
      kind: "oidc",
      name: "x",
      issuer: stack.description.url,
      client_id: "x",
      client_secret: "y".repeat(40),
    });
    expect([refused.status, refused.body.code]).toEqual([422, "invalid_request"]);
  });
});

describe("the operator's tool", () => {
  const run = async (...args: string[]): Promise<string> => {
    const command = ["scripts/cli/main.ts", "identity-providers", ...args, "--state", stateDir];
    const { status, stdout, stderr } = await runScript(command, { cwd: repositoryRoot });
    if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}: ${stderr}`);
    return stdout;
  };

  it("adds a provider for everybody, lists it and removes it", async () => {
    const file = join(stateDir, "client-secret");
    writeFileSync(file, `${provider.clientSecret}\n`, { mode: 0o600 });
    const client = ["--client-id", provider.clientId, "--secret-file", file];
    const added = await run("add", "--kind", "oidc", "--name", "Everybody", "--issuer", provider.issuer, ...client);
    const [made = ""] = /idp_[0-9a-z]{26}/.exec(added) ?? [];
    expect(await run("list")).toContain(`${made}  oidc  ${provider.issuer}  Everybody`);
    const shown = await new Api(stack.description.url).send<{ items: object[] }>("GET", "/api/v1/auth/providers");
    expect(shown.body.items).toEqual([{ id: made, kind: "oidc", name: "Everybody" }]);
    await run("change", made, "--enabled", "no");
    expect(await run("list")).toContain("(off)");
    await run("remove", made);
    expect(await run("list")).toBe("there is none\n");
  });
});

describe("the local clock", () => {
  it("mails the owner before a client secret expires, from the first minute of a start", async () => {
    await stack.stop();
    stack = await start();
    const { mailDir, owner: to } = stack.description;
    const subject = "A client secret of an identity provider expires within 7 days";
    await eventually("a reminder in the mail", async () =>
      readdirSync(mailDir)
        .filter((name) => name.endsWith(".json"))
        .map((name) => JSON.parse(readFileSync(join(mailDir, name), "utf8")) as { to: string; subject: string })
        .find((mail) => mail.to === to.email && mail.subject === subject),
    );
  });
});
