/** An issuer on loopback that answers whatever a test wants: what a real provider would never do. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";

export type Answer = (request: IncomingMessage, body: string, response: ServerResponse) => void;

export interface HostileIssuer {
  readonly issuer: string;
  readonly clientSecret: string;
  /** Answers by path; tests replace them. */
  readonly paths: Map<string, Answer>;
  /** How often each path was asked for. */
  readonly asked: Map<string, number>;
  /** What the discovery document says besides. */
  document: Record<string, unknown>;
  keys: JWK[];
  /** Makes the ID token of the next redemption. */
  idToken: (nonce: string) => Promise<string>;
  /** A token signed with the issuer's own key; claims over sound ones. */
  sign(claims: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>;
  /** What a browser that signed in at it would bring back. The nonce travels in the code. */
  returned(authorizationUrl: string): { code: string; state: string; iss: string };
  stop(): Promise<void>;
}

export async function startHostileIssuer(clientId = "sentinel"): Promise<HostileIssuer> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}`;
  const { publicKey, privateKey } = await generateKeyPair("RS256", { extractable: true });
  const json = (response: ServerResponse, body: unknown, status = 200): void =>
    void response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
  const self: HostileIssuer = {
    issuer,
    clientSecret: "a-client-secret-of-thirty-two-characters-and-more",
    paths: new Map(),
    asked: new Map(),
    document: {},
    keys: [{ ...(await exportJWK(publicKey)), kid: "k1", alg: "RS256", use: "sig" }],
    idToken: (nonce) => self.sign({ nonce }),
    sign: (claims, header = {}) => {
      const now = Math.floor(Date.now() / 1000);
      const sound = { iss: issuer, aud: clientId, sub: "subject-1", iat: now, exp: now + 300 };
      return new SignJWT({ ...sound, ...claims })
        .setProtectedHeader({ alg: "RS256", kid: "k1", ...header })
        .sign(privateKey);
    },
    returned: (authorizationUrl) => {
      const asked = new URL(authorizationUrl).searchParams;
      return { code: `code.${asked.get("nonce")}`, state: asked.get("state") ?? "", iss: issuer };
    },
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  self.paths.set("/.well-known/openid-configuration", (_request, _body, response) =>
    json(response, {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
      id_token_signing_alg_values_supported: ["RS256", "HS256", "none"],
      code_challenge_methods_supported: ["S256"],
      authorization_response_iss_parameter_supported: true,
      ...self.document,
    }),
  );
  self.paths.set("/jwks", (_request, _body, response) => json(response, { keys: self.keys }));
  self.paths.set("/token", (_request, body, response) => {
    const nonce = (new URLSearchParams(body).get("code") ?? "").replace("code.", "");
    void self.idToken(nonce).then((id_token) => json(response, { access_token: "a", token_type: "Bearer", id_token }));
  });
  server.on("request", (request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on("end", () => {
      const [path = ""] = (request.url ?? "").split("?");
      self.asked.set(path, (self.asked.get(path) ?? 0) + 1);
      const answer = self.paths.get(path);
      if (answer === undefined) json(response, { error: "not_found" }, 404);
      else answer(request, body, response);
    });
  });
  return self;
}
